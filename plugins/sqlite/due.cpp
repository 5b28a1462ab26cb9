#include "due.h"

namespace gander::sqlite {

Due::Due(Connection& connection)
    : next_(connection, "SELECT min(due) FROM message WHERE queue=?1 AND due IS NOT NULL"),
      next_queue_(connection,
                  "SELECT queue FROM message WHERE due IS NOT NULL AND queue>?1 "
                  "ORDER BY queue LIMIT 1"),
      select_(connection,
              "SELECT seq, prio FROM message WHERE queue=?1 AND due<=?2 ORDER BY due, state, seq "
              "LIMIT ?3"),
      update_(connection, "UPDATE message SET state=1, due=NULL, pos=?2 WHERE seq=?1"),
      ready_(connection) {}

std::int64_t Due::next(std::int64_t queue) {
  Rows rows = next_.query(queue);
  return rows.next() && !rows.null(0) ? rows.integer(0) : 0;
}

std::int64_t Due::next_queue(std::int64_t queue) {
  Rows rows = next_queue_.query(queue);
  return rows.next() ? rows.integer(0) : 0;
}

std::int64_t Due::promote(std::int64_t queue, std::int64_t now_us, std::int64_t limit,
                          Counter& counter) {
  rows_.clear();
  for (Rows rows = select_.query(queue, now_us, limit); rows.next();)
    rows_.push_back({rows.integer(0), rows.small(1)});
  const auto count = static_cast<std::int64_t>(rows_.size());
  if (count == 0) return 0;
  std::int64_t pos = counter.front(count);
  for (const Row& row : rows_) {
    update_.run(row.seq, pos);
    ready_.add(queue, row.priority, pos, row.seq);
    ++pos;
  }
  return count;
}

}  // namespace gander::sqlite
