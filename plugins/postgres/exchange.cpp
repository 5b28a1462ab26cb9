#include "exchange.h"

#include <algorithm>

namespace gander::postgres {
namespace {

constexpr std::int64_t kPromotePerExchange = 1000;
constexpr std::chrono::milliseconds kAskTail{20};

// In: the incarnation and queues. Out: whether it lives, when the next message of the queues falls
// due (NULL: none), and the server's clock.
std::string tail_sql() {
  return std::string(
             "SELECT EXISTS (SELECT 1 FROM @worker WHERE no=$1::int), (SELECT min(s.due) "
             "FROM unnest($2::int[]) AS q(no), (VALUES (2), (4)) AS v(state), LATERAL "
             "(SELECT due FROM @sched WHERE queue=q.no AND state=v.state ORDER BY due LIMIT 1) s"
             "), ") +
         kNow;
}

bool is_duplicate_key(const sdk::Error& e) { return e.native() == "23505"; }

}  // namespace

Exchanger::Exchanger(Connection& connection, Bell& bell, std::int32_t worker)
    : connection_(connection),
      bell_(bell),
      worker_(worker),
      queues_(connection),
      settler_(connection, worker),
      taker_(connection, worker),
      due_(connection),
      tail_(connection, tail_sql()) {}

sdk::Taken Exchanger::exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) {
  taker_.prepare(exchange, queues_, deadline);
  settler_.prepare(exchange, queues_, deadline);
  sdk::Taken taken;
  try {
    taken = once(exchange, true, deadline);
  } catch (const sdk::Error& e) {
    // The same id is ready and leased to us: an enqueue was repeated while its message was taken.
    if (!is_duplicate_key(e)) throw;
    taker_.guard();
    taken = once(exchange, true, deadline);
  }
  bell_.ring(settler_.woken());
  const std::size_t so_far = taken.batch ? taken.batch->size() : 0;
  if (!due_now_ || so_far != 0 || !taker_.has_room(0)) return taken;
  // Rare: what is due has not been made ready by anyone yet.
  std::vector<std::int32_t> woken;
  for (const std::int32_t queue : taker_.queues())
    due_.promote(queue, kPromotePerExchange, &woken, deadline);
  if (woken.empty()) return taken;
  taken = once(exchange, false, deadline);
  bell_.ring(woken);
  return taken;
}

// The whole exchange in one trip: acks, successors, claim, and what is asked at the end. They are
// one transaction, as all that is sent before the next Sync is. While claims come back full nobody
// needs to know what falls due: the end is asked for only now and then.
sdk::Taken Exchanger::once(const sdk::Exchange& exchange, bool settles,
                           const sdk::Deadline& deadline) {
  const auto now = std::chrono::steady_clock::now();
  const bool asks = !came_full_ || now - asked_at_ > kAskTail;
  std::vector<Result> results;
  {
    Trip trip(connection_, deadline);
    if (settles) settler_.send(trip);
    if (taker_.wants()) taker_.send(trip);
    if (asks) send_tail(trip);
    results = trip.finish();
  }
  // An incarnation that has ended took nothing, and its settles had no effect.
  if (asks) read_tail(results.back());
  std::size_t at = 0;
  if (settles) settler_.conclude(results, &at, exchange.verdicts);
  sdk::Taken taken;
  if (taker_.wants()) taken.batch = taker_.receive(results[at], queues_, deadline);
  came_full_ = taken.batch && !taker_.has_room(taken.batch->size());
  if (!asks && !came_full_) {
    Trip trip(connection_, deadline);
    send_tail(trip);
    read_tail(trip.finish().front());
  }
  taken.next_due_us = next_due_us_;
  return taken;
}

void Exchanger::send_tail(Trip& trip) {
  asked_at_ = std::chrono::steady_clock::now();
  asked_.clear();
  for (const std::int32_t queue : taker_.queues()) asked_.add_int4(queue);
  trip.add(tail_, Params().add_int4(worker_).add(asked_));
}

void Exchanger::read_tail(const Result& tail) {
  if (!tail.truth(0, 0))
    throw sdk::Error(GANDER_LEASE_LOST, connection_.where() +
                                            ": this incarnation was ended by another worker; begin "
                                            "a new one");
  due_now_ = !tail.null(0, 1) && tail.integer(0, 1) <= tail.integer(0, 2);
  next_due_us_ = tail.null(0, 1) ? 0 : std::max<std::int64_t>(1, tail.integer(0, 1));
}

}  // namespace gander::postgres
