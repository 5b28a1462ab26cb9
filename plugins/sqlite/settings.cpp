#include "settings.h"

#include <filesystem>
#include <gander/sdk/url.hpp>

namespace gander::sqlite {
namespace {

[[noreturn]] void refuse(const std::string& url, const std::string& why) {
  throw sdk::Error(GANDER_CONFIG,
                   "option 'url' is '" + url + "': " + why +
                       "; right are sqlite:jobs.db, sqlite:/abs/jobs.db and sqlite:///abs/jobs.db");
}

}  // namespace

std::string path_of_url(const std::string& url) {
  const std::size_t colon = url.find(':');
  const std::string scheme = url.substr(0, colon);
  if (colon == std::string::npos || (scheme != "sqlite" && scheme != "sqlite3"))
    refuse(url, "it does not begin with sqlite:");
  std::string path = sdk::percent_decoded(std::string_view(url).substr(colon + 1));
  if (path.rfind("//", 0) == 0) {
    path.erase(0, 2);
    if (path.empty() || path[0] != '/')
      refuse(url, "a file has no host, so two slashes are followed by a third");
  }
  if (path.empty()) refuse(url, "it names no file");
  if (path == ":memory:" || path.rfind("file:", 0) == 0)
    refuse(url, "a database in memory cannot be shared and does not outlive its process");
  if (path.find('\0') != std::string::npos) refuse(url, "a file name holds no NUL");
  return path;
}

Settings::Settings(const sdk::Options& options)
    : path(std::filesystem::absolute(path_of_url(options.text("url"))).lexically_normal()),
      synchronous(options.text("synchronous")),
      claim_synchronous(options.text("claim_synchronous")),
      busy_timeout_ms(options.integer("busy_timeout_ms")),
      wal_autocheckpoint(options.integer("wal_autocheckpoint")),
      journal_size_limit(options.integer("journal_size_limit")),
      max_body(static_cast<std::uint64_t>(options.integer("max_body_bytes"))),
      dead_max_age_s(options.integer("dead_max_age_s")),
      dead_max_count(options.integer("dead_max_count")),
      dead_max_bytes(options.integer("dead_max_bytes")),
      any_filesystem(options.flag("any_filesystem")) {}

}  // namespace gander::sqlite
