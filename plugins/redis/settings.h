// The options of one instance, read once and checked. Immutable afterwards; [any].
#pragma once

#include <chrono>
#include <cstdint>
#include <gander/sdk/plugin.hpp>
#include <string>
#include <vector>

#include "url.h"

namespace gander::redis {

struct Settings {
  // Throws CONFIG, naming the option. No I/O.
  explicit Settings(const sdk::Options& options);

  // Where it connects to, for messages: "redis://localhost:6379", never with a password.
  [[nodiscard]] std::string where() const;
  // From the option, the url, or the file, which is read now. Throws CONFIG when that cannot be.
  [[nodiscard]] std::string read_password() const;

  Url url;
  std::string socket;
  std::string password_file;
  std::vector<sdk::Endpoint> sentinels;  // empty: the url says where
  std::string master;
  std::string prefix;  // "{gander}:", as keys begin
  std::int64_t wait_replicas;
  std::int64_t wait_timeout_ms;
  std::int64_t lease_us;
  std::chrono::milliseconds connect_timeout;
  std::chrono::milliseconds call_timeout;
  std::uint64_t max_body;
  std::int64_t dead_max_age_s;  // 0: no limit, as for the next
  std::int64_t dead_max_count;
  bool any_eviction;
  std::string tls_ca_file, tls_cert_file, tls_key_file;  // empty: the system's, and none
};

}  // namespace gander::redis
