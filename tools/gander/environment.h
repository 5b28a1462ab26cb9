// From arguments to a configuration and an open broker: what every command begins with.
#pragma once

#include <gander/admin.h>
#include <gander/config.h>

#include <string>

#include "command.h"

namespace gander::cli {

// --config or the standard place, then the environment, then --plugin-path and --broker. Not
// checked yet, as a command may have settings of its own. Sets up logging.
// `file` comes before --config.
Config config_from(const Arguments& arguments, const std::string& file = {});

// The broker that is meant. A plugin that is not there is a mistake of the configuration here, so
// this throws Error(config) where Broker throws not_found.
Broker open_broker(const Config& config);

Admin open_admin(const Arguments& arguments);

}  // namespace gander::cli
