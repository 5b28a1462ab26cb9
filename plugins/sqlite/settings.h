// The options of one instance, read once and checked. Immutable afterwards; [any].
#pragma once

#include <cstdint>
#include <gander/sdk/plugin.hpp>
#include <string>

namespace gander::sqlite {

struct Settings {
  // Throws CONFIG, naming the option, on a url that is none of the forms in schema.json. No I/O but
  // the name of the current folder, so that a later chdir() does not change which file is meant.
  explicit Settings(const sdk::Options& options);

  std::string path;  // absolute
  std::string synchronous;
  std::string claim_synchronous;
  std::int64_t busy_timeout_ms;
  std::int64_t wal_autocheckpoint;
  std::int64_t journal_size_limit;
  std::uint64_t max_body;
  std::int64_t dead_max_age_s;  // 0: no limit, as for the next two
  std::int64_t dead_max_count;
  std::int64_t dead_max_bytes;
  bool any_filesystem;
};

// "sqlite:jobs.db", "sqlite3:/abs/jobs.db", "sqlite:///abs/jobs.db" to the path in it; %XX is
// decoded.
std::string path_of_url(const std::string& url);

}  // namespace gander::sqlite
