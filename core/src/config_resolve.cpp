// What needs the whole of a Config: which broker is meant, and whether the parts fit together.
#include <algorithm>

#include "config_value.h"
#include "nearest.h"

namespace gander {
namespace {

template <class Items>
std::vector<std::string> names_of(const Items& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

BrokerConfig only_broker(const Config& config) {
  if (config.brokers.size() == 1) return config.brokers.front();
  if (!config.brokers.empty())
    throw Error(Code::config, "several brokers are configured (" +
                                  joined(names_of(config.brokers)) +
                                  ") and none is chosen; set broker = \"" +
                                  config.brokers.front().name + "\" or another of them");
  BrokerConfig broker;
  broker.url = Config::kDefaultBroker;
  return broker;
}

void check_broker(const BrokerConfig& broker) {
  if (broker.plugin.empty() && broker.url.empty())
    throw Error(Code::config, broker.where + ": brokers." + broker.name +
                                  ": has neither plugin nor url; set url = \"redis://localhost\", "
                                  "or plugin = \"redis\" and its options");
}

}  // namespace

BrokerConfig Config::resolve_broker(std::string_view name_or_url) const {
  if (name_or_url.empty()) name_or_url = broker;
  if (name_or_url.empty()) return only_broker(*this);
  for (const BrokerConfig& item : brokers) {
    if (item.name != name_or_url) continue;
    check_broker(item);
    return item;
  }
  if (name_or_url.find(':') != std::string_view::npos) {
    BrokerConfig bare;
    bare.url = name_or_url;
    return bare;
  }
  const std::vector<std::string> names = names_of(brokers);
  const std::string near = nearest(name_or_url, names);
  throw Error(Code::config,
              "there is no broker '" + std::string(name_or_url) + "'; " +
                  (near.empty() ? "" : "did you mean '" + near + "'? ") +
                  (names.empty() ? "none is configured: write its URL, such as sqlite:gander.db, "
                                   "or add [brokers." +
                                       std::string(name_or_url) + "]"
                                 : "configured are: " + joined(names)));
}

void Config::check() const {
  for (const BrokerConfig& item : brokers) check_broker(item);
  (void)resolve_broker();
  const std::vector<std::string> known = names_of(queues);
  for (const std::string& name : worker.queues) {
    if (known.empty() || std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw Error(Code::config, "worker.queues: there is no queue '" + name + "' in [queues]" +
                                  nearest_hint(name, known));
  }
}

}  // namespace gander
