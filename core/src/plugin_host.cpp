#include "plugin_host.h"

#include <gander/log.h>

#include <algorithm>
#include <vector>

#include "log.h"
#include "text.h"

namespace gander {
namespace {
LogLevel level_of(std::int32_t level) {
  return static_cast<LogLevel>(std::clamp<std::int32_t>(level, GANDER_LOG_TRACE, GANDER_LOG_ERROR));
}
}  // namespace

PluginHost::PluginHost(std::string plugin, std::shared_ptr<const Clock> clock)
    : plugin_(std::move(plugin)),
      clock_(std::move(clock)),
      host_{sizeof(gander_host),
            GANDER_ABI,
            this,
            "gander",
            GANDER_VERSION,
            [](const gander_host*, const char*) noexcept -> const void* { return nullptr; },
            [](const gander_host*, std::int32_t level) noexcept -> std::int32_t {
              return log_enabled(level_of(level)) ? 1 : 0;
            },
            log,
            [](const gander_host* host) noexcept { return self(host).clock_->now_us(); }} {}

const PluginHost& PluginHost::self(const gander_host* host) {
  return *static_cast<const PluginHost*>(host->host_data);
}

void PluginHost::log(const gander_host* host, std::int32_t level, gander_str text,
                     const gander_kv* fields, std::size_t n) noexcept {
  try {
    std::vector<LogField> all{{"plugin", self(host).plugin_}};
    for (std::size_t i = 0; i < n; ++i) all.push_back({view(fields[i].key), view(fields[i].value)});
    gander::log(level_of(level), view(text), all);
  } catch (...) {
    // a line that cannot be written must not fail the plugin's call
  }
}

}  // namespace gander
