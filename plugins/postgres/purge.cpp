#include <algorithm>

#include "manage.h"

namespace gander::postgres {
namespace {

constexpr int kChunk = 500;

struct Where {
  const char* table;
  std::string keys;  // of the index that is walked
  std::string rows;  // which of them, or empty
  const char* age;
  bool by_age = false;  // whether the walk goes from the oldest to the youngest
};

// READY is walked by lanes, so of one queue as a range of them.
Where where_of(std::uint32_t state, std::int32_t queue) {
  const std::string q = std::to_string(queue);
  if (state == GANDER_STATE_READY)
    return {"@ready", "lane, seq", queue == 0 ? "" : "lane>=" + q + "*4 AND lane<=" + q + "*4+2",
            "enqueued_at"};
  if (state == GANDER_STATE_DEAD)
    return {"@dead", queue == 0 ? "died, seq" : "queue, died, seq", queue == 0 ? "" : "queue=" + q,
            "died", true};
  const std::string in_state = "state=" + std::to_string(state);
  return {"@sched", queue == 0 ? "state, due, seq" : "queue, state, due, seq",
          queue == 0 ? in_state : "queue=" + q + " AND " + in_state, "enqueued_at"};
}

std::size_t count_keys(const std::string& keys) {
  return 1 + static_cast<std::size_t>(std::count(keys.begin(), keys.end(), ','));
}

// Out: how many were looked at, how many deleted, and the last key. What stays is passed over once,
// without a lock: the next page begins behind it. Of dead letters, which are walked by age, the
// walk ends at the first that stays. What is just being taken is left to its worker.
std::string page_sql(const Where& w, const std::string& after, std::int64_t before_us) {
  const std::string young = std::to_string(before_us);
  std::string condition = w.rows;
  const auto add = [&](const std::string& more) {
    condition += (condition.empty() ? "" : " AND ") + more;
  };
  if (!after.empty()) add("(" + w.keys + ")>(" + after + ")");
  if (before_us != 0 && w.by_age) add(std::string(w.age) + "<" + young);
  std::string last;
  for (std::size_t from = 0; from != std::string::npos;) {
    const std::size_t to = w.keys.find(", ", from);
    last +=
        ", (SELECT " + w.keys.substr(from, to - from) + " FROM p ORDER BY n DESC LIMIT 1)::bigint";
    from = to == std::string::npos ? to : to + 2;
  }
  const std::string table = w.table;
  const std::string page = "SELECT ctid AS place, " + w.keys + ", " + w.age + " AS age FROM " +
                           table + (condition.empty() ? "" : " WHERE " + condition) + " ORDER BY " +
                           w.keys + " LIMIT " + std::to_string(kChunk);
  const std::string goes = before_us == 0 ? "" : " WHERE age<" + young;
  return "WITH p AS MATERIALIZED (SELECT *, row_number() OVER () AS n FROM (" + page + ") x), " +
         "l AS MATERIALIZED (SELECT ctid AS place FROM " + table +
         " WHERE ctid=ANY(ARRAY(SELECT place FROM p" + goes + ")) FOR UPDATE SKIP LOCKED), " +
         "d AS (DELETE FROM " + table +
         " WHERE ctid=ANY(ARRAY(SELECT place FROM l)) RETURNING 1) " +
         "SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM d)" + last;
}

}  // namespace

std::uint64_t Manager::purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                             const sdk::Deadline& deadline) {
  const std::int32_t no = queue.empty() ? 0 : queues_.find(queue, deadline);
  if (!queue.empty() && no == 0) return 0;
  const Where where = where_of(state, no);
  std::uint64_t purged = 0;
  for (std::string after;;) {
    if (deadline.passed())
      throw sdk::PartlyDone(purged, connection_.where() + ": purge: " + std::to_string(purged) +
                                        " deleted in the time allowed; call it again for the rest");
    const Result page = connection_.run(page_sql(where, after, before_us), deadline);
    purged += static_cast<std::uint64_t>(page.integer(0, 1));
    if (page.integer(0, 0) < kChunk) return purged;
    after.clear();
    for (std::size_t k = 0; k < count_keys(where.keys); ++k)
      after += (k == 0 ? "" : ", ") + std::to_string(page.integer(0, 2 + static_cast<int>(k)));
  }
}

}  // namespace gander::postgres
