#include "settings.h"

#include <algorithm>

namespace gander::redis {
namespace {

constexpr int kSentinelPort = 26379;
constexpr std::size_t kLongestPrefix = 64;

bool may_be_in_prefix(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// In braces, so that a cluster keeps all keys of one prefix in one slot, and a script may use them
// together.
std::string key_prefix(const std::string& prefix) {
  if (prefix.empty() || prefix.size() > kLongestPrefix ||
      !std::all_of(prefix.begin(), prefix.end(), may_be_in_prefix))
    throw sdk::Error(GANDER_CONFIG, "option 'prefix' is '" + prefix +
                                        "'; it must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
  return "{" + prefix + "}:";
}

std::vector<sdk::Endpoint> parse_sentinels(std::string_view list) {
  std::vector<sdk::Endpoint> all;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    all.push_back(sdk::parse_endpoint(list.substr(0, comma), kSentinelPort, "option 'sentinels'"));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return all;
}

}  // namespace

Settings::Settings(const sdk::Options& options)
    : url(parse_url(options.text("url"))),
      socket(options.text("socket")),
      password_file(options.text("password_file")),
      sentinels(parse_sentinels(options.text("sentinels"))),
      master(options.text("master")),
      prefix(key_prefix(options.text("prefix"))),
      wait_replicas(options.integer("wait_replicas")),
      wait_timeout_ms(options.integer("wait_timeout_ms")),
      lease_us(options.integer("lease_ms") * 1000),
      connect_timeout(options.integer("connect_timeout_ms")),
      call_timeout(options.integer("call_timeout_ms")),
      max_body(static_cast<std::uint64_t>(options.integer("max_body_bytes"))),
      dead_max_age_s(options.integer("dead_max_age_s")),
      dead_max_count(options.integer("dead_max_count")),
      any_eviction(options.flag("any_eviction")),
      tls_ca_file(options.text("tls_ca_file")),
      tls_cert_file(options.text("tls_cert_file")),
      tls_key_file(options.text("tls_key_file")) {
  if (!options.text("username").empty()) url.username = options.text("username");
  if (!options.text("password").empty()) url.password = options.text("password");
  if (sentinels.empty() != master.empty())
    throw sdk::Error(GANDER_CONFIG,
                     "options 'sentinels' and 'master' go together: where the Sentinels are, and "
                     "the name they know the master by");
}

std::string Settings::where() const {
  if (!socket.empty()) return socket;
  if (!sentinels.empty()) return "redis master '" + master + "'";
  return (url.tls ? "rediss://" : "redis://") + url.at.text();
}

std::string Settings::read_password() const {
  return password_file.empty() ? url.password : sdk::read_secret(password_file, "password_file");
}

}  // namespace gander::redis
