// The options of one instance, read once and checked. Immutable afterwards; [any].
#pragma once

#include <chrono>
#include <cstdint>
#include <gander/sdk/plugin.hpp>
#include <string>

#include "url.h"

namespace gander::rabbitmq {

struct Settings {
  // Throws CONFIG, naming the option. No I/O.
  explicit Settings(const sdk::Options& options);

  // Where it connects to, for messages: "amqp://host:5672/vhost", never with a password.
  [[nodiscard]] std::string where() const;
  // From the option, the url, or the file, which is read now. Throws CONFIG when that cannot be.
  [[nodiscard]] std::string read_password() const;

  Url url;
  std::string password_file;
  std::string prefix;
  int heartbeat_s;  // we end a connection that is silent for two, the server one for two or three
  std::chrono::milliseconds connect_timeout;
  std::chrono::milliseconds call_timeout;
  std::chrono::milliseconds new_queue_wait;    // build.h
  std::chrono::milliseconds consumer_timeout;  // the server's; 0: none
  std::uint64_t max_body;
  std::int64_t dead_max_age_s;  // 0: no limit, as for the next
  std::int64_t dead_max_count;
  std::string tls_ca_file, tls_cert_file, tls_key_file;
};

}  // namespace gander::rabbitmq
