// From a broker's configuration to an open instance.
#pragma once

#include <gander/config.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker_handle.h"

namespace gander {

// Throws Error(config) or Error(not_found), naming the place in the config where there is one.
std::shared_ptr<BrokerHandle> open_broker(
    const BrokerConfig& config, const std::vector<std::string>& plugin_path,
    std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>());

// "sqlite:jobs.db?synchronous=full" -> "sqlite:jobs.db" and {synchronous: full}; %XX is decoded in
// the options.
std::pair<std::string, std::map<std::string, std::string>> split_url(std::string_view url);

}  // namespace gander
