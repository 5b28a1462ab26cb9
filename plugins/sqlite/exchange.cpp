#include "exchange.h"

namespace gander::sqlite {
namespace {

constexpr std::int64_t kPromotePerExchange = 1000;
// However much room the host has: a transaction that every other writer waits for.
constexpr std::uint32_t kMostPerTake = 10'000;

}  // namespace

Taker::Taker(Connection& connection)
    : any_(connection, "SELECT 1 FROM ready WHERE queue=?1 LIMIT 1"),
      select_(connection, std::string("SELECT ") + kMessageColumns +
                              ", r.prio, r.pos FROM ready r CROSS JOIN message m ON m.seq=r.seq "
                              "WHERE r.queue=?1 ORDER BY r.prio, r.pos LIMIT ?2"),
      lease_(connection,
             "INSERT INTO lease(seq, incarnation, fence) SELECT seq, ?4, ?5 FROM ready "
             "WHERE queue=?1 AND prio=?2 AND pos<=?3"),
      unready_(connection, "DELETE FROM ready WHERE queue=?1 AND prio=?2 AND pos<=?3") {}

bool Taker::any_ready(std::int64_t queue) {
  Rows rows = any_.query(queue);
  return rows.next();
}

// Read in order, then moved range by range: two statements for each priority, not for each message.
void Taker::take(std::int64_t queue, std::uint32_t max_messages, std::uint64_t max_bytes,
                 std::int64_t incarnation, std::int64_t fence, Queues& queues, sdk::Batch& batch) {
  runs_.clear();
  for (Rows rows = select_.query(queue, std::min(max_messages, kMostPerTake)); rows.next();) {
    gander_message m = read_message(rows, queues);
    if (max_bytes != 0 && batch.size() != 0 && batch.body_bytes() + m.body.len > max_bytes) break;
    m.receipt[0] = static_cast<std::uint64_t>(rows.integer(0));
    m.receipt[1] = static_cast<std::uint64_t>(fence);
    batch.add(m);
    const std::uint32_t priority = rows.small(kMessageColumnCount);
    const std::int64_t pos = rows.integer(kMessageColumnCount + 1);
    if (runs_.empty() || runs_.back().priority != priority) runs_.push_back({priority, pos});
    runs_.back().last = pos;
  }
  for (const Run& run : runs_) {
    lease_.run(queue, run.priority, run.last, incarnation, fence);
    unready_.run(queue, run.priority, run.last);
  }
}

Exchanger::Exchanger(Connection& connection, Gate& gate, sdk::Host host, std::int64_t incarnation)
    : connection_(connection),
      gate_(gate),
      host_(host),
      incarnation_(incarnation),
      queues_(connection),
      counter_(connection),
      due_(connection),
      settler_(connection),
      taker_(connection),
      alive_(connection, "SELECT 1 FROM incarnation WHERE no=?1") {}

sdk::Taken Exchanger::exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline,
                               bool* woke) {
  connection_.begin_call(deadline);
  const std::int64_t now_us = host_.now_us();
  *woke = false;
  if (exchange.settles.empty()) {
    // An idle worker asks often: as long as there is nothing, it needs no write lock.
    require_incarnation();
    resolve(exchange);
    if (!anything_to_take(now_us)) return {nullptr, next_due()};
  }
  Transaction transaction(connection_, gate_);
  try {
    require_incarnation();
    counter_.load();
    ++fence_;
    *woke = settler_.settle(incarnation_, exchange, now_us, queues_, counter_);
    resolve(exchange);
    *woke = promote(now_us) > 0 || *woke;
    sdk::Taken taken{take(exchange), next_due()};
    counter_.save();
    transaction.commit();
    return taken;
  } catch (...) {
    queues_.forget();
    throw;
  }
}

void Exchanger::require_incarnation() {
  Rows rows = alive_.query(incarnation_);
  if (!rows.next())
    throw sdk::Error(GANDER_LEASE_LOST,
                     connection_.path() +
                         ": this incarnation was ended by another worker; begin a "
                         "new one");
}

bool Exchanger::resolve(const sdk::Exchange& exchange) {
  asked_.clear();
  for (const gander_take* take : exchange.takes)
    asked_.push_back(queues_.find(sdk::view(take->queue)));
  return !asked_.empty();
}

bool Exchanger::anything_to_take(std::int64_t now_us) {
  for (const std::int64_t queue : asked_) {
    if (queue == 0) continue;
    if (taker_.any_ready(queue)) return true;
    const std::int64_t due = due_.next(queue);
    if (due != 0 && due <= now_us) return true;
  }
  return false;
}

std::int64_t Exchanger::promote(std::int64_t now_us) {
  std::int64_t promoted = 0;
  for (const std::int64_t queue : asked_) {
    if (queue != 0) promoted += due_.promote(queue, now_us, kPromotePerExchange, counter_);
  }
  return promoted;
}

std::unique_ptr<sdk::Batch> Exchanger::take(const sdk::Exchange& exchange) {
  auto batch = std::make_unique<sdk::Batch>();
  for (std::size_t i = 0; i < exchange.takes.size(); ++i) {
    if (asked_[i] == 0 || queues_.paused(asked_[i])) continue;
    if (exchange.max_bytes != 0 && batch->body_bytes() >= exchange.max_bytes) break;
    taker_.take(asked_[i], exchange.takes[i]->max_messages, exchange.max_bytes, incarnation_,
                fence_, queues_, *batch);
  }
  return batch;
}

std::int64_t Exchanger::next_due() {
  std::int64_t earliest = 0;
  for (const std::int64_t queue : asked_) {
    const std::int64_t due = queue != 0 ? due_.next(queue) : 0;
    if (due != 0 && (earliest == 0 || due < earliest)) earliest = due;
  }
  return earliest;
}

}  // namespace gander::sqlite
