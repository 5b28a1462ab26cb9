#include "settings.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace gander::postgres {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* o) const { PQconninfoFree(o); }
};
using UrlParts = std::unique_ptr<PQconninfoOption, FreeOptions>;

std::string part(const UrlParts& parts, std::string_view keyword, const char* otherwise) {
  for (const PQconninfoOption* o = parts.get(); o->keyword != nullptr; ++o)
    if (keyword == o->keyword && o->val != nullptr && *o->val != '\0') return o->val;
  return otherwise;
}

// libpq's own text about a bad URL is not shown: it may quote the password.
UrlParts parse_url(const std::string& url) {
  char* problem = nullptr;
  UrlParts parts;
  if (url.rfind("postgresql://", 0) == 0 || url.rfind("postgres://", 0) == 0)
    parts.reset(PQconninfoParse(url.c_str(), &problem));
  PQfreemem(problem);
  if (!parts || part(parts, "port", "").find_first_not_of("0123456789,") != std::string::npos)
    throw sdk::Error(GANDER_CONFIG,
                     "option 'url' is not a URL of PostgreSQL; right is "
                     "postgresql://USER@HOST:PORT/DATABASE, with %XX for special characters");
  return parts;
}

std::string readable(const UrlParts& parts) {
  const std::string user = part(parts, "user", "");
  return "postgresql://" + (user.empty() ? "" : user + "@") + part(parts, "host", "localhost") +
         ":" + part(parts, "port", "5432") + "/" + part(parts, "dbname", "");
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items(1);
  for (const char c : list) {
    if (c == ',')
      items.emplace_back();
    else
      items.back() += c;
  }
  return items;
}

constexpr std::array kHostWords = {"host", "hostaddr", "port"};

bool is_host_word(std::string_view keyword) {
  return std::find(kHostWords.begin(), kHostWords.end(), keyword) != kHostWords.end();
}

// One after the other, as the lists of a URL mean it: a word that is there once is for all.
std::vector<Settings::Words> hosts_of(const UrlParts& parts) {
  std::vector<std::vector<std::string>> lists;
  std::size_t count = 1;
  for (const char* word : kHostWords) {
    lists.push_back(split(part(parts, word, "")));
    count = std::max(count, lists.back().size());
  }
  std::vector<Settings::Words> hosts(count);
  for (std::size_t k = 0; k < lists.size(); ++k) {
    const auto& list = lists[k];
    if (list.size() != 1 && list.size() != count)
      throw sdk::Error(GANDER_CONFIG, "option 'url' has " + std::to_string(list.size()) + " of '" +
                                          kHostWords[k] + "' for " + std::to_string(count) +
                                          " hosts; right is one for all, or one for each");
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& item = list[list.size() == 1 ? 0 : i];
      if (!item.empty()) hosts[i].emplace_back(kHostWords[k], item);
    }
  }
  return hosts;
}

// It is quoted wherever it stands in SQL, and a channel's name has to have room for it.
std::string checked_schema(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || name.size() > 40 || !std::all_of(name.begin(), name.end(), good) ||
      (name[0] >= '0' && name[0] <= '9') || name.rfind("pg_", 0) == 0)
    throw sdk::Error(
        GANDER_CONFIG,
        "option 'schema' is '" + name +
            "'; right are 1 to 40 letters, digits and _, not beginning with a digit or "
            "pg_");
  return name;
}

}  // namespace

Settings::Settings(const sdk::Options& options)
    : password(options.text("password")),
      password_file(options.text("password_file")),
      schema(checked_schema(options.text("schema"))),
      auto_migrate(options.flag("auto_migrate")),
      pooler(options.flag("pooler")),
      synchronous_commit(options.text("synchronous_commit")),
      claim_synchronous_commit(options.text("claim_synchronous_commit")),
      max_body(static_cast<std::uint64_t>(options.integer("max_body_bytes"))),
      lease_us(options.integer("lease_ms") * 1000),
      connect_timeout_ms(options.integer("connect_timeout_ms")),
      statement_timeout_ms(options.integer("statement_timeout_ms")),
      dead_max_age_s(options.integer("dead_max_age_s")),
      dead_max_count(options.integer("dead_max_count")) {
  const UrlParts parts = parse_url(options.text("url"));
  where = readable(parts);
  hosts = hosts_of(parts);
  connect.emplace_back("sslmode", options.text("sslmode"));
  for (const PQconninfoOption* o = parts.get(); o->keyword != nullptr; ++o)
    if (o->val != nullptr && !is_host_word(o->keyword)) connect.emplace_back(o->keyword, o->val);
  for (const char* name : {"sslrootcert", "sslcert", "sslkey"})
    if (!options.text(name).empty()) connect.emplace_back(name, options.text(name));
}

}  // namespace gander::postgres
