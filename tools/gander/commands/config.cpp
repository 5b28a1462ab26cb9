#include <gander/plugins.h>

#include <iostream>

#include "../environment.h"
#include "../exit_codes.h"
#include "../output.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr PositionalSpec kFile[] = {{"FILE", false}};

Config config_of(const Arguments& a) {
  if (a.has("FILE") && a.has("config")) throw UsageError{"give FILE or --config, not both"};
  return config_from(a, a.text("FILE"));
}

// Opens each broker without its server, which checks its options against its plugin's schema.
int run_check(const Arguments& a) {
  const Config config = config_of(a);
  config.check();
  std::vector<std::string> names;
  for (const BrokerConfig& broker : config.brokers) {
    Config one = config;
    one.broker = broker.name;
    static_cast<void>(open_broker(one));
    names.push_back(broker.name);
  }
  if (a.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      out.key("ok");
      out.boolean(true);
      json_list(out, "brokers", names);
      json_list(out, "warnings", config.warnings);
      out.end_object();
    });
    return kOk;
  }
  std::cout << "the configuration is right";
  if (!names.empty()) std::cout << "; brokers: " << joined(names);
  std::cout << '\n';
  return kOk;
}

int run_show(const Arguments& a) {
  const Config config = config_of(a);
  std::cout << config.show(a.json() ? ShowFormat::json : ShowFormat::toml, secret_test(config));
  return kOk;
}

}  // namespace

const Command kConfigCheck{"config check",
                           "Check the configuration and every broker's options",
                           "No server is asked. FILE is --config by another name.",
                           kFile,
                           {},
                           kAll,
                           run_check};
const Command kConfigShow{"config show",
                          "Print the configuration as it is in force, secrets masked",
                          "File, environment and defaults together, as TOML or JSON.",
                          kFile,
                          {},
                          kAll,
                          run_show};

}  // namespace gander::cli
