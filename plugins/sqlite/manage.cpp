#include "manage.h"

namespace gander::sqlite {
namespace {

constexpr std::size_t kChunk = 500;

}  // namespace

Manager::Manager(Connection& connection, Gate& gate, Wake& wake, sdk::Host host, Queues& queues)
    : connection_(connection),
      gate_(gate),
      wake_(wake),
      host_(host),
      queues_(queues),
      counter_(connection),
      ready_(connection),
      find_(connection,
            "SELECT m.seq, m.queue, m.prio, m.pos, m.state, l.seq IS NOT NULL FROM message m "
            "LEFT JOIN lease l ON l.seq=m.seq WHERE m.id=?1"),
      unready_(connection, "DELETE FROM ready WHERE queue=?1 AND prio=?2 AND pos=?3"),
      delete_(connection, "DELETE FROM message WHERE seq=?1"),
      // ?7: the failure's time, of a dead letter its death; ?8: 1 to begin afresh; ?9: a new note.
      move_(connection,
            "UPDATE message SET queue=?2, pos=?3, state=?4, due=?5, died=?6,"
            " run_at=coalesce(?5, run_at),"
            " failed_at=CASE WHEN ?6 IS NOT NULL THEN ?6 WHEN ?7 THEN 0 ELSE failed_at END,"
            " first_failed_at=CASE WHEN ?7 THEN 0 ELSE first_failed_at END,"
            " attempts=CASE WHEN ?7 THEN 0 ELSE attempts END,"
            " crashes=CASE WHEN ?7 THEN 0 ELSE crashes END,"
            " note=CASE WHEN ?6 IS NOT NULL AND ?8<>'' THEN ?8 ELSE note END WHERE seq=?1"),
      pause_(connection, "UPDATE queue SET paused=?2 WHERE no=?1") {}

void Manager::pause(std::string_view queue, bool paused) {
  Transaction transaction(connection_, gate_);
  try {
    pause_.run(queues_.find_or_add(queue), paused ? 1 : 0);
    transaction.commit();
  } catch (...) {
    queues_.forget();
    throw;
  }
  if (!paused) wake_.ring();
}

template <class Each>
void Manager::in_chunks(std::size_t count, const sdk::Deadline& deadline, Each each) {
  for (std::size_t done = 0; done < count;) {
    if (deadline.passed())
      throw sdk::Error(GANDER_TIMEOUT,
                       connection_.path() + ": " + std::to_string(done) + " of " +
                           std::to_string(count) + " done; the verdicts tell which",
                       GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED);
    const std::size_t end = std::min(count, done + kChunk);
    Transaction transaction(connection_, gate_);
    counter_.load();
    for (; done < end; ++done) each(done);
    counter_.save();
    transaction.commit();
  }
}

void Manager::move(const gander_move_req& request, sdk::Verdicts verdicts,
                   const sdk::Deadline& deadline) {
  const std::int64_t now_us = host_.now_us();
  try {
    in_chunks(request.count, deadline,
              [&](std::size_t i) { verdicts[i] = move_one(request.ids[i], request, now_us); });
  } catch (...) {
    queues_.forget();
    throw;
  }
  wake_.ring();
}

gander_status Manager::move_one(const gander_id& id, const gander_move_req& request,
                                std::int64_t now_us) {
  Found found{};
  const gander_status had = detach(id, &found);
  if (had != GANDER_OK) return had;
  const std::string_view to = sdk::view(request.to_queue);
  const std::int64_t queue = to.empty() ? found.queue : queues_.find_or_add(to);
  const int afresh = (request.flags & GANDER_MOVE_RESET_COUNTERS) != 0 ? 1 : 0;
  const std::string_view note = sdk::view(request.note);
  if (request.to_state == GANDER_STATE_DEAD) {
    move_.run(found.seq, queue, 0, GANDER_STATE_DEAD, nullptr, now_us, afresh, note);
  } else if (request.to_state == GANDER_STATE_SCHEDULED && request.run_at_us > now_us) {
    move_.run(found.seq, queue, 0, GANDER_STATE_SCHEDULED, request.run_at_us, nullptr, afresh,
              note);
  } else {
    const bool front = (request.flags & GANDER_MOVE_FRONT) != 0;
    const std::int64_t pos = front ? counter_.front(1) : counter_.next();
    move_.run(found.seq, queue, pos, GANDER_STATE_READY, nullptr, nullptr, afresh, note);
    ready_.add(queue, found.priority, pos, found.seq);
  }
  return GANDER_OK;
}

gander_status Manager::detach(const gander_id& id, Found* found) {
  {
    Rows rows = find_.query(blob(id));
    if (!rows.next()) return GANDER_NOT_FOUND;
    if (rows.integer(5) != 0) return GANDER_INVALID_STATE;
    *found = {rows.integer(0), rows.integer(1), rows.integer(3), rows.small(2),
              rows.integer(4) == GANDER_STATE_READY};
  }
  if (found->ready) unready_.run(found->queue, found->priority, found->pos);
  return GANDER_OK;
}

void Manager::remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
                     const sdk::Deadline& deadline) {
  in_chunks(ids.size(), deadline, [&](std::size_t i) {
    Found found{};
    verdicts[i] = detach(ids[i], &found);
    if (verdicts[i] == GANDER_OK) delete_.run(found.seq);
  });
}

}  // namespace gander::sqlite
