#include <charconv>

#include "inspect.h"

namespace gander::postgres {
namespace {

// Rows counted by one statement: a few milliseconds.
constexpr int kChunk = 10'000;

struct Table {
  const char* name;
  const char* keys;   // of the index that is walked; their types are all numbers
  const char* group;  // of which each page gives counts: the queue, and the state
  std::size_t key_count;
};
constexpr Table kReady{"@ready", "lane, seq", "lane/4, 1", 2};
constexpr Table kSched{"@sched", "queue, state, due, seq", "queue, state", 4};
constexpr Table kDead{"@dead", "queue, died, seq", "queue, 5", 3};

// In: the last key of the page before. Out: for each group its count, and the last key of the page.
std::string page_sql(const Table& t, const std::string& after) {
  const std::string keys = t.keys;
  std::string last;
  for (std::size_t from = 0; from != std::string::npos;) {
    const std::size_t to = keys.find(", ", from);
    last +=
        ", (SELECT " + keys.substr(from, to - from) + " FROM p ORDER BY n DESC LIMIT 1)::bigint";
    from = to == std::string::npos ? to : to + 2;
  }
  return "WITH p AS MATERIALIZED (SELECT " + keys + ", row_number() OVER () AS n FROM (SELECT " +
         keys + " FROM " + t.name + (after.empty() ? "" : " WHERE (" + keys + ")>(" + after + ")") +
         " ORDER BY " + keys + " LIMIT " + std::to_string(kChunk) + ") x) SELECT " + t.group +
         ", count(*)" + last + " FROM p GROUP BY 1, 2";
}

std::int64_t& field(gander_queue_stat& stat, std::int64_t state) {
  switch (state) {
    case GANDER_STATE_SCHEDULED: return stat.scheduled;
    case GANDER_STATE_RETRY: return stat.retry;
    case GANDER_STATE_DEAD: return stat.dead;
    default: return stat.ready;
  }
}

// False when the time was over before the end.
bool count_table(Connection& c, const Table& t, Counts& counts, const sdk::Deadline& deadline) {
  for (std::string after;;) {
    if (deadline.passed()) return false;
    const Result page = c.run(page_sql(t, after), deadline);
    std::int64_t rows = 0;
    for (int row = 0; row < page.rows(); ++row) {
      field(counts[static_cast<std::int32_t>(page.integer(row, 0))], page.integer(row, 1)) +=
          page.integer(row, 2);
      rows += page.integer(row, 2);
    }
    if (rows < kChunk) return true;
    after.clear();
    for (std::size_t k = 0; k < t.key_count; ++k)
      after += (k == 0 ? "" : ", ") + std::to_string(page.integer(0, 3 + static_cast<int>(k)));
  }
}

void unknown(Counts& counts, std::int64_t gander_queue_stat::*what) {
  for (auto& [no, stat] : counts) stat.*what = -1;
}

// The first of each lane, of those at the front and of those behind them.
void find_oldest(Connection& c, Counts& counts, const sdk::Deadline& deadline) {
  Array list(Type::int4);
  for (const auto& [no, stat] : counts)
    if (stat.ready > 0) list.add_int4(no);
  if (list.size() == 0 || deadline.passed()) return;
  const Result rows = c.run(
      "SELECT q.no, min(f.at) FROM unnest($1::int[]) AS q(no) CROSS JOIN (VALUES (0), (1), (2)) AS "
      "p(prio) CROSS JOIN LATERAL ((SELECT enqueued_at AS at FROM @ready WHERE "
      "lane=q.no*4+p.prio AND seq<0 ORDER BY seq LIMIT 1) UNION ALL (SELECT enqueued_at FROM "
      "@ready WHERE lane=q.no*4+p.prio AND seq>0 ORDER BY seq LIMIT 1)) f GROUP BY 1",
      deadline, Params().add(list));
  for (int row = 0; row < rows.rows(); ++row)
    counts[static_cast<std::int32_t>(rows.integer(row, 0))].oldest_ready_us = rows.integer(row, 1);
}

}  // namespace

Counts count_all(Connection& connection, const sdk::Deadline& deadline) {
  Counts counts;
  const Result leased = connection.run(
      "SELECT x.lane/4, count(*) FROM @worker w CROSS JOIN LATERAL (SELECT lane FROM @inflight f "
      "WHERE f.worker=w.no OFFSET 0) x GROUP BY 1",
      deadline);
  for (int row = 0; row < leased.rows(); ++row)
    counts[static_cast<std::int32_t>(leased.integer(row, 0))].leased = leased.integer(row, 1);
  if (!count_table(connection, kReady, counts, deadline))
    unknown(counts, &gander_queue_stat::ready);
  if (!count_table(connection, kSched, counts, deadline)) {
    unknown(counts, &gander_queue_stat::scheduled);
    unknown(counts, &gander_queue_stat::retry);
  }
  if (!count_table(connection, kDead, counts, deadline)) unknown(counts, &gander_queue_stat::dead);
  find_oldest(connection, counts, deadline);
  return counts;
}

}  // namespace gander::postgres
