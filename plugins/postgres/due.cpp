#include "due.h"

#include <algorithm>

namespace gander::postgres {
namespace {

// In: the limit, and `which` restricts to a queue. Out: the queue of each that became ready. Keeps:
// a message is in `sched` or in `ready`; of those promoted together the earliest comes first, so
// the places at the front are given from behind.
std::string promote_sql(const std::string& which) {
  const auto pick = [&](const char* name, const char* state) {
    return std::string(name) + " AS MATERIALIZED (SELECT id FROM @sched WHERE " + which +
           "state=" + state +
           " AND due<=(SELECT us FROM now) ORDER BY due, seq LIMIT $1 FOR UPDATE SKIP LOCKED), ";
  };
  return std::string("WITH now AS MATERIALIZED (SELECT ") + kNow + " AS us), " + pick("a", "2") +
         pick("b", "4") +
         "gone AS (DELETE FROM @sched WHERE id=ANY(ARRAY(SELECT id FROM a UNION ALL SELECT id FROM "
         "b)) RETURNING *) "
         "INSERT INTO @ready(seq, enqueued_at, lane, id, tally, more, body) "
         "SELECT nextval('@front'), enqueued_at, lane, id, tally, more, body "
         "FROM (SELECT * FROM gone ORDER BY due DESC, state DESC, seq DESC) g "
         "ON CONFLICT (id) DO NOTHING RETURNING lane/4";
}

}  // namespace

Due::Due(Connection& connection)
    : connection_(connection),
      of_queue_(connection, promote_sql("queue=$2::int AND ")),
      of_all_(connection, promote_sql("")) {}

std::int64_t Due::promote(std::int32_t queue, std::int64_t limit, std::vector<std::int32_t>* queues,
                          const sdk::Deadline& deadline) {
  Params params;
  params.add_int8(limit);
  if (queue != 0) params.add_int4(queue);
  const Result rows = connection_.run(queue != 0 ? of_queue_ : of_all_, deadline, params);
  for (int row = 0; row < rows.rows(); ++row) {
    const auto of = static_cast<std::int32_t>(rows.integer(row, 0));
    if (std::find(queues->begin(), queues->end(), of) == queues->end()) queues->push_back(of);
  }
  return rows.rows();
}

}  // namespace gander::postgres
