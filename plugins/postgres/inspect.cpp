#include "inspect.h"

#include <algorithm>
#include <charconv>

#include "transaction.h"

namespace gander::postgres {
namespace {

constexpr std::uint32_t kPage = 100;

// Where a page begins: behind the row with these keys.
struct Place {
  std::int64_t a, b;
};

Place place_of(std::string_view cursor, Place start) {
  if (cursor.empty()) return start;
  std::int64_t keys[2] = {0, 0};
  const char* at = cursor.data();
  const char* const end = at + cursor.size();
  for (auto& key : keys) {
    const auto [next, problem] = std::from_chars(at, end, key);
    const bool last = &key == &keys[1];
    if (problem != std::errc{} || (last ? next != end : next == end || *next != '.'))
      throw sdk::Error(GANDER_INVALID_ARGUMENT,
                       "messages: '" + std::string(cursor) +
                           "' is not a cursor; pass the one that came with a message, or none");
    at = next + 1;
  }
  return {keys[0], keys[1]};
}

Place start_of(std::uint32_t state) {
  if (state == GANDER_STATE_DEAD) return {INT64_MAX, INT64_MAX};
  return {INT64_MIN, INT64_MIN};
}

// In: $1 $2 the place, $3 how many rows. Behind the columns of the message stand the keys of the
// next place, and when a dead letter died.
std::string page_sql(std::uint32_t state, std::int32_t queue) {
  const std::string q = std::to_string(queue), s = std::to_string(state);
  const std::string columns = std::string("SELECT ") + kMessageColumns;
  const bool one = queue != 0;
  switch (state) {
    case GANDER_STATE_READY:
      return columns +
             ", lane::bigint AS a, seq AS b, 0 FROM @ready WHERE (lane, seq)>($1::bigint, " +
             "$2::bigint)" + (one ? " AND lane>=" + q + "*4 AND lane<=" + q + "*4+2" : "") +
             " ORDER BY lane, seq LIMIT $3";
    case GANDER_STATE_LEASED:
      return "SELECT l.* FROM @worker w CROSS JOIN LATERAL (" + columns +
             ", worker::bigint AS a, seq AS b, 0 AS c FROM @inflight WHERE worker=w.no OFFSET 0) l "
             "WHERE "
             "(w.no, l.seq)>($1::bigint, $2::bigint)" +
             (one ? " AND l.lane/4=" + q : "") + " ORDER BY w.no, l.seq LIMIT $3";
    case GANDER_STATE_DEAD:
      return columns +
             ", died AS a, seq AS b, died AS c FROM @dead WHERE (died, seq)<($1::bigint, "
             "$2::bigint)" +
             (one ? " AND queue=" + q + " ORDER BY queue DESC, died DESC, seq DESC LIMIT $3"
                  : " ORDER BY died DESC, seq DESC LIMIT $3");
    default:
      return columns + ", due AS a, seq AS b, 0 FROM @sched WHERE state=" + s +
             " AND (due, seq)>($1::bigint, $2::bigint)" +
             (one ? " AND queue=" + q + " ORDER BY queue, state, due, seq LIMIT $3"
                  : " ORDER BY state, due, seq LIMIT $3");
  }
}

gander_message shown(const Result& rows, int row, std::uint32_t state, std::string_view queue) {
  gander_message m = read_message(rows, row, queue);
  m.state = state;
  if (state == GANDER_STATE_DEAD) m.failed_at_us = rows.integer(row, kMessageColumnCount + 2);
  return m;
}

}  // namespace

void Inspector::queues(const sdk::QueueVisitor& visit, const sdk::Deadline& deadline) {
  Counts counts;
  Result names = connection_.run("SELECT 1", deadline);
  {
    Transaction transaction(connection_, deadline,
                            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    counts = count_all(connection_, deadline);
    names = connection_.run("SELECT no, name, paused FROM @queue ORDER BY name", deadline);
    transaction.commit();
  }
  for (int row = 0; row < names.rows(); ++row) {
    const auto counted = counts.find(static_cast<std::int32_t>(names.integer(row, 0)));
    const bool paused = names.truth(row, 2);
    if (counted == counts.end() && !paused) continue;
    gander_queue_stat stat = counted == counts.end() ? gander_queue_stat{} : counted->second;
    stat.struct_size = sizeof stat;
    stat.paused = paused ? 1 : 0;
    stat.queue = sdk::str(names.bytes(row, 1));
    if (!visit(stat)) return;
  }
}

void Inspector::messages(std::string_view queue, std::uint32_t state, std::string_view after,
                         std::uint32_t limit, const sdk::MessageVisitor& visit,
                         const sdk::Deadline& deadline) {
  const std::int32_t no = queue.empty() ? 0 : queues_.find(queue, deadline);
  if (!queue.empty() && no == 0) return;
  Place place = place_of(after, start_of(state));
  const std::string sql = page_sql(state, no);
  for (std::uint32_t left = limit; left > 0;) {
    const std::uint32_t size = std::min(left, kPage);
    const Result rows =
        connection_.run(sql, deadline, Params().add_int8(place.a).add_int8(place.b).add_int8(size));
    for (int row = 0; row < rows.rows(); ++row) {
      place = {rows.integer(row, kMessageColumnCount), rows.integer(row, kMessageColumnCount + 1)};
      const auto of = queue_of(static_cast<std::int32_t>(rows.integer(row, kLane)));
      const gander_message m = shown(rows, row, state, queues_.name(of, deadline));
      if (!visit(m, std::to_string(place.a) + "." + std::to_string(place.b))) return;
    }
    if (static_cast<std::uint32_t>(rows.rows()) < size) return;
    left -= size;
  }
}

void Inspector::get(const gander_id& id, const sdk::MessageVisitor& visit,
                    const sdk::Deadline& deadline) {
  const std::string columns = std::string("SELECT ") + kMessageColumns;
  const Result found = connection_.run(
      columns + ", 1::bigint, 0, 0::bigint FROM @ready WHERE id=$1::uuid UNION ALL " +
          "SELECT l.* FROM @worker w CROSS JOIN LATERAL (" + columns +
          ", 3::bigint, 0, 0::bigint FROM @inflight WHERE worker=w.no AND id=$1::uuid OFFSET 0) l "
          "UNION ALL " +
          columns + ", state, 0, 0 FROM @sched WHERE id=$1::uuid UNION ALL " + columns +
          ", 5, 0, died FROM @dead WHERE id=$1::uuid",
      deadline, Params().add(view(id)));
  if (found.rows() == 0)
    throw sdk::Error(GANDER_NOT_FOUND, connection_.where() + " holds no message of that id");
  const auto of = queue_of(static_cast<std::int32_t>(found.integer(0, kLane)));
  const auto state = static_cast<std::uint32_t>(found.integer(0, kMessageColumnCount));
  visit(shown(found, 0, state, queues_.name(of, deadline)), {});
}

}  // namespace gander::postgres
