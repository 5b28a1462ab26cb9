#include "exchange.h"

namespace gander::sqlite {
namespace {

std::int64_t seq_of(const gander_message& m) { return static_cast<std::int64_t>(m.receipt[0]); }
std::int64_t fence_of(const gander_message& m) { return static_cast<std::int64_t>(m.receipt[1]); }

// What would be refused is refused before the first is settled.
void check(const gander_settle& s) {
  if (s.message == nullptr)
    throw sdk::Error(GANDER_INVALID_ARGUMENT, "exchange: a settle has no message");
  if (s.op == GANDER_SETTLE_ACK) return;
  if (s.message->priority > GANDER_PRIORITY_LOW)
    throw sdk::Error(GANDER_INVALID_ARGUMENT, "exchange: a successor has priority " +
                                                  std::to_string(s.message->priority) +
                                                  "; there are 0, 1 and 2");
}

bool to_front(const gander_settle& s, std::int64_t now_us) {
  if (s.op == GANDER_SETTLE_GIVE_BACK) return true;
  return (s.op == GANDER_SETTLE_RETRY || s.op == GANDER_SETTLE_SNOOZE) &&
         s.message->run_at_us <= now_us;
}

}  // namespace

// The lease is ended by what only its taking knew, and the message by its id: a late verdict finds
// no row and changes nothing.
Settler::Settler(Connection& connection)
    : end_lease_(connection, "DELETE FROM lease WHERE seq=?1 AND incarnation=?2 AND fence=?3"),
      restore_lease_(connection, "INSERT INTO lease(seq, incarnation, fence) VALUES(?1, ?2, ?3)"),
      delete_(connection, "DELETE FROM message WHERE seq=?1 AND id=?2"),
      update_(connection,
              "UPDATE message SET queue=?3, prio=?4, pos=?5, state=?6, due=?7, died=?8, flags=?9,"
              " enqueued_at=?10, run_at=?11, first_failed_at=?12, failed_at=?13, attempts=?14,"
              " crashes=?15, give_backs=?16, note=?17, body=?18 WHERE seq=?1 AND id=?2"),
      queue_of_(connection, "SELECT queue FROM message WHERE seq=?1"),
      ready_(connection) {}

bool Settler::settle(std::int64_t incarnation, const sdk::Exchange& exchange, std::int64_t now_us,
                     Queues& queues, Counter& counter) {
  std::int64_t fronts = 0;
  for (const gander_settle* s : exchange.settles) {
    check(*s);
    if (to_front(*s, now_us)) ++fronts;
  }
  // One block of places for all, filled from behind: each goes to the very front (GBC-307).
  if (fronts > 0) front_ = counter.front(fronts) + fronts - 1;
  made_ready_ = false;
  for (std::size_t i = 0; i < exchange.settles.size(); ++i) {
    const gander_settle& s = *exchange.settles[i];
    if (!end_lease(incarnation, *s.message)) {
      exchange.verdicts[i] = GANDER_LEASE_LOST;
      continue;
    }
    exchange.verdicts[i] = s.op == GANDER_SETTLE_ACK ? ack(*s.message) : replace(s, now_us, queues);
    if (exchange.verdicts[i] == GANDER_LEASE_LOST) restore_lease(incarnation, *s.message);
  }
  return made_ready_;
}

bool Settler::end_lease(std::int64_t incarnation, const gander_message& m) {
  return end_lease_.run(seq_of(m), incarnation, fence_of(m)) == 1;
}

void Settler::restore_lease(std::int64_t incarnation, const gander_message& m) {
  restore_lease_.run(seq_of(m), incarnation, fence_of(m));
}

gander_status Settler::ack(const gander_message& m) {
  return delete_.run(seq_of(m), blob(m.id)) == 1 ? GANDER_OK : GANDER_LEASE_LOST;
}

// Successor for predecessor, in the one row that both are.
gander_status Settler::replace(const gander_settle& s, std::int64_t now_us, Queues& queues) {
  const gander_message& m = *s.message;
  const std::string_view name = sdk::view(m.queue.len != 0 ? m.queue : s.from_queue);
  std::int64_t queue = name.empty() ? 0 : queues.find_or_add(name);
  if (queue == 0) {
    Rows rows = queue_of_.query(seq_of(m));
    if (rows.next()) queue = rows.integer(0);
  }
  const auto write = [&](std::int64_t pos, std::uint32_t state, const auto& due, const auto& died,
                         std::int64_t failed_at) {
    return update_.run(seq_of(m), blob(m.id), queue, m.priority, pos, state, due, died, m.flags,
                       m.enqueued_at_us, m.run_at_us, m.first_failed_at_us, failed_at, m.attempts,
                       m.crashes, m.give_backs, sdk::view(m.note), blob(m.body)) == 1;
  };
  bool written = false;
  if (to_front(s, now_us)) {
    written = write(front_, GANDER_STATE_READY, nullptr, nullptr, m.failed_at_us);
    if (written) ready_.add(queue, m.priority, front_--, seq_of(m));
    made_ready_ = made_ready_ || written;
  } else if (s.op == GANDER_SETTLE_DEAD) {
    const std::int64_t died = m.failed_at_us != 0 ? m.failed_at_us : now_us;
    written = write(0, GANDER_STATE_DEAD, nullptr, died, died);
  } else {
    const std::uint32_t state =
        s.op == GANDER_SETTLE_RETRY ? GANDER_STATE_RETRY : GANDER_STATE_SCHEDULED;
    written = write(0, state, m.run_at_us, nullptr, m.failed_at_us);
  }
  return written ? GANDER_OK : GANDER_LEASE_LOST;
}

}  // namespace gander::sqlite
