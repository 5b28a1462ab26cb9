#include "manage.h"

namespace gander::sqlite {
namespace {

constexpr std::int64_t kChunk = 1000;

struct Spot {
  std::int64_t seq;
  std::uint32_t priority;
  std::int64_t pos;
  bool old_enough;
};

std::vector<std::int64_t> all_queues(Connection& connection) {
  Statement statement(connection, "SELECT no FROM queue ORDER BY no");
  std::vector<std::int64_t> numbers;
  for (Rows rows = statement.query(); rows.next();) numbers.push_back(rows.integer(0));
  return numbers;
}

}  // namespace

std::uint64_t Manager::purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                             const sdk::Deadline& deadline) {
  const std::int64_t no = queue.empty() ? 0 : queues_.find(queue);
  if (!queue.empty() && no == 0) return 0;
  if (state != GANDER_STATE_READY) return purge_waiting(no, state, before_us, deadline);
  if (no != 0) return purge_ready(no, before_us, deadline, 0);
  std::uint64_t purged = 0;
  for (const std::int64_t each : all_queues(connection_))
    purged = purge_ready(each, before_us, deadline, purged);
  return purged;
}

// In the order of the queue, so that what stays is looked at once. ?2 ?3: behind this place.
std::uint64_t Manager::purge_ready(std::int64_t queue, std::int64_t before_us,
                                   const sdk::Deadline& deadline, std::uint64_t so_far) {
  Statement select(connection_,
                   "SELECT r.seq, r.prio, r.pos, ?4=0 OR m.enqueued_at<?4 FROM ready r CROSS JOIN "
                   "message m ON m.seq=r.seq WHERE r.queue=?1 AND (r.prio, r.pos)>(?2, ?3) "
                   "ORDER BY r.prio, r.pos LIMIT ?5");
  Spot last{0, 0, std::numeric_limits<std::int64_t>::min(), false};
  for (std::vector<Spot> spots;; spots.clear()) {
    check_time(deadline, so_far);
    Transaction transaction(connection_, gate_);
    for (Rows rows = select.query(queue, last.priority, last.pos, before_us, kChunk); rows.next();)
      spots.push_back({rows.integer(0), rows.small(1), rows.integer(2), rows.integer(3) != 0});
    std::uint64_t deleted = 0;
    for (const Spot& spot : spots) {
      if (!spot.old_enough) continue;
      unready_.run(queue, spot.priority, spot.pos);
      deleted += static_cast<std::uint64_t>(delete_.run(spot.seq));
    }
    transaction.commit();
    so_far += deleted;
    if (static_cast<std::int64_t>(spots.size()) < kChunk) return so_far;
    last = spots.back();
  }
}

// Scheduled, retry, dead. ?1 the queue (0: all), ?2 before (0: all), ?3 the state.
std::uint64_t Manager::purge_waiting(std::int64_t queue, std::uint32_t state,
                                     std::int64_t before_us, const sdk::Deadline& deadline) {
  const std::string in_state = state == GANDER_STATE_DEAD ? "died IS NOT NULL" : "due IS NOT NULL";
  const std::string age = state == GANDER_STATE_DEAD ? "died" : "enqueued_at";
  Statement remove(connection_, "DELETE FROM message WHERE seq IN (SELECT seq FROM message WHERE " +
                                    in_state + (queue != 0 ? " AND queue=?1" : "") +
                                    " AND (?2=0 OR " + age + "<?2) AND state=?3 LIMIT ?4)");
  std::uint64_t purged = 0;
  for (;;) {
    check_time(deadline, purged);
    Transaction transaction(connection_, gate_);
    const int deleted = remove.run(queue, before_us, state, kChunk);
    transaction.commit();
    purged += static_cast<std::uint64_t>(deleted);
    if (deleted < kChunk) return purged;
  }
}

void Manager::check_time(const sdk::Deadline& deadline, std::uint64_t done) const {
  if (deadline.passed())
    throw sdk::PartlyDone(done, connection_.path() + ": purge: " + std::to_string(done) +
                                    " deleted in the time allowed; call it again for the rest");
}

}  // namespace gander::sqlite
