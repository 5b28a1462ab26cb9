#include "settings.h"

#include <algorithm>

namespace gander::rabbitmq {
namespace {

constexpr std::size_t kLongestPrefix = 20;

bool may_be_in_prefix(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

std::string checked_prefix(const std::string& prefix) {
  if (prefix.empty() || prefix.size() > kLongestPrefix ||
      !std::all_of(prefix.begin(), prefix.end(), may_be_in_prefix))
    throw sdk::Error(GANDER_CONFIG, "option 'prefix' is '" + prefix +
                                        "'; it must be 1 to 20 characters of A-Z a-z 0-9 _ -");
  return prefix;
}

}  // namespace

Settings::Settings(const sdk::Options& options)
    : url(parse_url(options.text("url"))),
      password_file(options.text("password_file")),
      prefix(checked_prefix(options.text("prefix"))),
      heartbeat_s(static_cast<int>(options.integer("lease_ms") / 2000)),
      connect_timeout(options.integer("connect_timeout_ms")),
      call_timeout(options.integer("call_timeout_ms")),
      new_queue_wait(options.integer("new_queue_wait_ms")),
      consumer_timeout(options.integer("consumer_timeout_ms")),
      max_body(static_cast<std::uint64_t>(options.integer("max_body_bytes"))),
      dead_max_age_s(options.integer("dead_max_age_s")),
      dead_max_count(options.integer("dead_max_count")),
      tls_ca_file(options.text("tls_ca_file")),
      tls_cert_file(options.text("tls_cert_file")),
      tls_key_file(options.text("tls_key_file")) {
  if (!options.text("username").empty()) url.username = options.text("username");
  if (!options.text("password").empty()) url.password = options.text("password");
  if (url.username.empty()) url.username = "guest";
  if (url.password.empty() && url.username == "guest") url.password = "guest";
  if (tls_cert_file.empty() != tls_key_file.empty())
    throw sdk::Error(
        GANDER_CONFIG,
        "options 'tls_cert_file' and 'tls_key_file' go together: a certificate and its "
        "key");
}

std::string Settings::where() const {
  std::string text = url.tls ? "amqps://" : "amqp://";
  for (const sdk::Endpoint& at : url.at) text += (&at == url.at.data() ? "" : ",") + at.text();
  return url.vhost == "/" ? text : text + "/" + url.vhost;
}

std::string Settings::read_password() const {
  return password_file.empty() ? url.password : sdk::read_secret(password_file, "password_file");
}

}  // namespace gander::rabbitmq
