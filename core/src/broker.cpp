#include <gander/broker.h>
#include <gander/config.h>

#include "broker_handle.h"
#include "open_broker.h"

namespace gander {

Broker::Broker(std::string_view where) : Broker(where, Config::standard()) {}

Broker::Broker(std::string_view where, const Config& config)
    : handle_(open_broker(config.resolve_broker(where), config.plugin_path)) {}

Broker::Broker(const Config& config) : Broker(std::string_view{}, config) {}

Broker::Broker(std::shared_ptr<BrokerHandle> handle) : handle_(std::move(handle)) {}

BrokerInfo Broker::info() const {
  const gander_broker_info info = handle_->info();
  const LoadedPlugin& plugin = handle_->plugin();
  return {plugin.component(GANDER_BROKER_KIND)->name,
          info.server,
          plugin.plugin->version,
          plugin.file,
          info.caps,
          info.max_batch,
          info.max_body};
}

}  // namespace gander
