// gander/broker.h -- an open broker: a plugin loaded and configured.
//
// Thread-safe; copies share one instance. The server need not be up: connections are made when
// first used.
#pragma once

#include <gander/error.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace gander {

struct Config;

struct BrokerInfo {
  std::string plugin;   // "sqlite"
  std::string server;   // "SQLite 3.40.1"
  std::string version;  // of the plugin
  std::string file;     // it was loaded from
  std::uint64_t capabilities = 0;
  std::uint32_t max_batch = 0;
  std::uint64_t max_body = 0;
};

class BrokerHandle;  // core's own

class Broker {
 public:
  // `where` is a URL ("sqlite:jobs.db") whose scheme names the plugin, or the name of a broker in
  // gander.toml. Loads the plugin and checks its options; throws Error(config) naming what is wrong
  // and what would be right, Error(not_found) listing the plugins there are and the paths looked
  // at.
  explicit Broker(std::string_view where);
  Broker(std::string_view where, const Config& config);
  // The one that `config.broker` names.
  explicit Broker(const Config& config);
  explicit Broker(std::shared_ptr<BrokerHandle> handle);

  // Asks the server; throws Error(unavailable) when it is not there.
  [[nodiscard]] BrokerInfo info() const;

  [[nodiscard]] const std::shared_ptr<BrokerHandle>& handle() const { return handle_; }

 private:
  std::shared_ptr<BrokerHandle> handle_;
};

}  // namespace gander
