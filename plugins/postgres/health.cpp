#include "health.h"

#include <algorithm>

#include "error.h"

namespace gander::postgres {
namespace {

struct Item {
  std::uint32_t level;
  std::string name, value, advice;
};

std::string setting(Connection& c, const char* name, const sdk::Deadline& deadline) {
  const Result r =
      c.run(std::string("SELECT pg_catalog.current_setting('") + name + "')", deadline);
  return std::string(r.bytes(0, 0));
}

std::string human_seconds(std::int64_t s) {
  return s < 120 ? std::to_string(s) + " s" : std::to_string(s / 60) + " min";
}

Item durability(Connection& c, const sdk::Deadline& deadline) {
  const std::string fsync = setting(c, "fsync", deadline);
  const std::string commit = c.settings().synchronous_commit;
  if (fsync == "off")
    return {GANDER_LOG_ERROR, "fsync", "off", "a power cut can destroy the database: turn it on"};
  if (commit == "off")
    return {GANDER_LOG_WARN, "synchronous_commit", commit,
            "a crash of the server can lose the last enqueues; on keeps them"};
  return {GANDER_LOG_INFO, "synchronous_commit", commit, ""};
}

Item connections(Connection& c, const sdk::Deadline& deadline) {
  const Result r = c.run(
      "SELECT count(*), pg_catalog.current_setting('max_connections')::bigint FROM "
      "pg_catalog.pg_stat_activity WHERE backend_type='client backend'",
      deadline);
  const std::int64_t used = r.integer(0, 0), most = r.integer(0, 1);
  const bool many = used * 10 > most * 9;
  return {many ? std::uint32_t{GANDER_LOG_WARN} : std::uint32_t{GANDER_LOG_INFO}, "connections",
          std::to_string(used) + " of " + std::to_string(most),
          many ? "raise max_connections or put a pooler between; a worker takes four or five" : ""};
}

// What holds back vacuum: then each claim walks over more and more dead rows.
Item oldest_view(Connection& c, const sdk::Deadline& deadline) {
  const Result r = c.run(
      "SELECT coalesce(max(extract(epoch FROM pg_catalog.clock_timestamp()-xact_start)), "
      "0)::bigint,"
      " coalesce((array_agg(pid ORDER BY xact_start))[1], 0) FROM pg_catalog.pg_stat_activity "
      "WHERE "
      "backend_xmin IS NOT NULL AND pid<>pg_catalog.pg_backend_pid()",
      deadline);
  const std::int64_t age = r.integer(0, 0);
  if (age < 300) return {GANDER_LOG_INFO, "oldest transaction", human_seconds(age), ""};
  return {GANDER_LOG_WARN, "oldest transaction",
          human_seconds(age) + ", process " + std::to_string(r.integer(0, 1)),
          "while it is open nothing is vacuumed; end it, and set "
          "idle_in_transaction_session_timeout"};
}

Item dead_rows(Connection& c, const sdk::Deadline& deadline) {
  const Result r = c.run(
      "SELECT coalesce(sum(n_dead_tup), 0)::bigint, coalesce(bool_and("
      "pg_catalog.current_setting('autovacuum')='on'), true) FROM pg_catalog.pg_stat_user_tables "
      "WHERE schemaname='" +
          c.settings().schema + "'",
      deadline);
  if (!r.truth(0, 1))
    return {GANDER_LOG_ERROR, "autovacuum", "off", "turn it on; the tables grow without bound"};
  const std::int64_t dead = r.integer(0, 0);
  const bool many = dead > 20'000'000;
  return {many ? std::uint32_t{GANDER_LOG_WARN} : std::uint32_t{GANDER_LOG_INFO}, "dead rows",
          std::to_string(dead),
          many ? "autovacuum does not keep up: give it more workers, or end old transactions" : ""};
}

Item bell(Connection& c) {
  if (!c.pooled()) return {GANDER_LOG_INFO, "wake-up", "LISTEN", ""};
  return {GANDER_LOG_INFO, "wake-up", "by looking every 100 ms at the latest",
          "a direct connection, without 'pooler', is quicker"};
}

Item size(Connection& c, const sdk::Deadline& deadline) {
  const Result r = c.run(
      "SELECT pg_catalog.pg_size_pretty(coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0))"
      " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace WHERE "
      "n.nspname='" +
          c.settings().schema + "' AND c.relkind='r'",
      deadline);
  return {GANDER_LOG_INFO, "tables", std::string(r.bytes(0, 0)), ""};
}

}  // namespace

void report_health(Connection& connection, const sdk::HealthVisitor& visit,
                   const sdk::Deadline& deadline) {
  std::vector<Item> items = {
      {GANDER_LOG_INFO, "server", "PostgreSQL " + version_text(connection.version()), ""},
      durability(connection, deadline),
      connections(connection, deadline),
      oldest_view(connection, deadline),
      dead_rows(connection, deadline),
      size(connection, deadline),
      bell(connection)};
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.level > b.level; });
  for (const Item& item : items) {
    const gander_health_item shown{sizeof shown, item.level, sdk::str(item.name),
                                   sdk::str(item.value), sdk::str(item.advice)};
    if (!visit(shown)) return;
  }
}

}  // namespace gander::postgres
