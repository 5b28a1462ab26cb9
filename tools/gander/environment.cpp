#include "environment.h"

#include <gander/log.h>

#include <iostream>

#include "values.h"

namespace gander::cli {

Config config_from(const Arguments& arguments, const std::string& file) {
  Config config;
  if (!file.empty() || arguments.has("config")) {
    config = Config::load(file.empty() ? arguments.text("config") : file);
    config.apply_environment(process_environment());
  } else {
    config = Config::standard();
  }
  std::vector<std::string> folders;
  for (const std::string& folder : arguments.list("plugin-path"))
    folders.push_back(absolute_path(folder));
  config.plugin_path.insert(config.plugin_path.begin(), folders.begin(), folders.end());
  if (arguments.has("broker")) config.broker = arguments.text("broker");
  for (const std::string& warning : config.warnings)
    std::cerr << "gander: warning: " << warning << '\n';
  // A command's own answer says what went wrong; lines below a warning would stand in between.
  set_log_level(LogLevel::warn);
  if (config.log.format == "json") set_log_format(LogFormat::json);
  return config;
}

Broker open_broker(const Config& config) {
  try {
    return Broker(config);
  } catch (const Error& e) {
    if (e.code() != Code::not_found) throw;
    throw Error(Code::config, e.what());
  }
}

Admin open_admin(const Arguments& arguments) {
  const Config config = config_from(arguments);
  config.check();
  return Admin(open_broker(config), config.client.timeout);
}

}  // namespace gander::cli
