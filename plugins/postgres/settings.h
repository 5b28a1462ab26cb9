// The options of one instance, read once and checked. Immutable afterwards; [any].
#pragma once

#include <cstdint>
#include <gander/sdk/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

namespace gander::postgres {

struct Settings {
  // Throws CONFIG, naming the option. No I/O.
  explicit Settings(const sdk::Options& options);

  using Words = std::vector<std::pair<std::string, std::string>>;

  // What libpq is told, but for host and password: in the order of precedence, the last one wins.
  Words connect;
  std::vector<Words> hosts;  // to be tried in turn, at least one
  std::string where;  // "postgresql://ada@db1:5432/shop", without a password: for people to read
  std::string password;
  std::string password_file;
  std::string schema;
  bool auto_migrate;
  bool pooler;
  std::string synchronous_commit;
  std::string claim_synchronous_commit;
  std::uint64_t max_body;
  std::int64_t lease_us;
  std::int64_t connect_timeout_ms;
  std::int64_t statement_timeout_ms;
  std::int64_t dead_max_age_s;  // 0: no limit, as for the next
  std::int64_t dead_max_count;
};

}  // namespace gander::postgres
