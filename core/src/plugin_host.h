// What core lends to one plugin instance: a clock and a log that says whose line it is.
#pragma once

#include <gander/sdk/plugin.h>

#include <memory>
#include <string>

#include "clock.h"

namespace gander {

// Must outlive the instance it is lent to.
class PluginHost {
 public:
  PluginHost(std::string plugin, std::shared_ptr<const Clock> clock);
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  [[nodiscard]] const gander_host* abi() const { return &host_; }
  [[nodiscard]] const std::shared_ptr<const Clock>& clock() const { return clock_; }

 private:
  static const PluginHost& self(const gander_host* host);
  static void log(const gander_host*, std::int32_t level, gander_str text, const gander_kv* fields,
                  std::size_t n) noexcept;

  std::string plugin_;
  std::shared_ptr<const Clock> clock_;
  gander_host host_;
};

}  // namespace gander
