#include "settings.h"

#include <algorithm>
#include <cctype>
#include <gander/sdk/url.hpp>
#include <string_view>

namespace gander::kafka {
namespace {

constexpr std::size_t kLongestPrefix = 40;
constexpr std::size_t kLongestMember = 100;
constexpr int kDefaultPort = 9092;
constexpr std::chrono::milliseconds kLongestJoin{20'000};

[[noreturn]] void refuse_url(const std::string& why) {
  throw sdk::Error(GANDER_CONFIG, "option 'url': " + why +
                                      "; right is kafka://[user:password@]host[:port][,host...]");
}

// What the guarantees of the plugin rest on; a user who could change it would not have them.
bool is_ours(std::string_view key) {
  static constexpr std::string_view kOurs[] = {"bootstrap.servers",
                                               "metadata.broker.list",
                                               "group.id",
                                               "group.instance.id",
                                               "enable.idempotence",
                                               "acks",
                                               "request.required.acks",
                                               "enable.auto.commit",
                                               "auto.offset.reset",
                                               "isolation.level",
                                               "transactional.id",
                                               "session.timeout.ms",
                                               "sasl.username",
                                               "sasl.password",
                                               "enable.auto.offset.store",
                                               "enable.partition.eof",
                                               "partition.assignment.strategy",
                                               "partitioner"};
  return std::ranges::find(kOurs, key) != std::end(kOurs);
}

// A part without '=' goes on the value before it: some values are lists.
std::vector<std::pair<std::string, std::string>> read_properties(std::string_view list) {
  std::vector<std::pair<std::string, std::string>> all;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view one = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const std::size_t equal = one.find('=');
    if (equal == 0 || (equal == std::string_view::npos && all.empty()))
      throw sdk::Error(
          GANDER_CONFIG,
          "option 'properties' does not begin with a key; right is key=value,key=value");
    if (equal == std::string_view::npos) {
      all.back().second.append(",").append(one);
      continue;
    }
    const std::string key(one.substr(0, equal));
    if (is_ours(key))
      throw sdk::Error(GANDER_CONFIG, "option 'properties' sets '" + key +
                                          "', which the plugin sets itself; leave it out");
    all.emplace_back(key, one.substr(equal + 1));
  }
  return all;
}

std::string checked_prefix(const std::string& prefix) {
  const auto good = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.'; };
  if (prefix.empty() || prefix.size() > kLongestPrefix || !std::ranges::all_of(prefix, good))
    throw sdk::Error(GANDER_CONFIG, "option 'prefix' is '" + prefix +
                                        "'; it must be 1 to 40 characters of A-Z a-z 0-9 .");
  return prefix;
}

std::string checked_member(const std::string& name) {
  const auto good = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  };
  if (name.size() > kLongestMember || !std::ranges::all_of(name, good))
    throw sdk::Error(GANDER_CONFIG,
                     "option 'member' is '" + name +
                         "'; it must be at most 100 characters of A-Z a-z 0-9 . _ -, "
                         "or empty");
  return name;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return text;
}

}  // namespace

Settings::Settings(const sdk::Options& options)
    : username(options.text("username")),
      password_file(options.text("password_file")),
      sasl_mechanism(upper(options.text("sasl_mechanism"))),
      tls(options.flag("tls")),
      properties(read_properties(options.text("properties"))),
      prefix(checked_prefix(options.text("prefix"))),
      member(checked_member(options.text("member"))),
      create_topics(options.flag("create_topics")),
      partitions(static_cast<int>(options.integer("partitions"))),
      replication(static_cast<int>(options.integer("replication"))),
      min_insync_replicas(static_cast<int>(options.integer("min_insync_replicas"))),
      lease_us(options.integer("lease_ms") * 1000),
      rebalance_wait(options.integer("rebalance_wait_ms")),
      connect_timeout(options.integer("connect_timeout_ms")),
      call_timeout(options.integer("call_timeout_ms")),
      max_body(static_cast<std::uint64_t>(options.integer("max_body_bytes"))),
      dead_max_age_s(options.integer("dead_max_age_s")),
      dead_max_count(options.integer("dead_max_count")),
      password_(options.text("password")) {
  read_url(options.text("url"));
}

void Settings::read_url(const std::string& url) {
  std::string_view rest = url;
  if (!rest.starts_with("kafka:")) refuse_url("it does not begin with kafka:");
  rest.remove_prefix(rest.find(':') + 1);
  if (rest.starts_with("//")) rest.remove_prefix(2);
  // The last one, as an undecoded '@' in a password is a common slip.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const std::size_t colon = user.find(':');
    if (username.empty()) username = sdk::percent_decoded(user.substr(0, colon));
    if (colon != std::string_view::npos && password_.empty())
      password_ = sdk::percent_decoded(user.substr(colon + 1));
  }
  if (rest.find('/') != std::string_view::npos)
    refuse_url("nothing follows the hosts; the option 'prefix' tells jobs apart");
  if (rest.empty()) rest = "localhost";
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const auto at = sdk::parse_endpoint(rest.substr(0, comma), kDefaultPort, "option 'url'");
    if (at.host.empty()) refuse_url("a host is empty");
    servers += (servers.empty() ? "" : ",") + at.text();
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
}

std::chrono::milliseconds Settings::longest_join() const {
  return std::max(kLongestJoin, std::chrono::milliseconds(lease_us / 1000)) + rebalance_wait;
}

std::string Settings::read_password() const {
  return password_file.empty() ? password_ : sdk::read_secret(password_file, "password_file");
}

}  // namespace gander::kafka
