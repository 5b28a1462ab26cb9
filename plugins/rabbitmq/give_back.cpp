// What a worker gives back by itself: deliveries that the host does not fetch, suspects, and at its
// end all that it holds.
#include <algorithm>
#include <future>

#include "exchange.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kReturnWithin{2};
constexpr std::chrono::milliseconds kListenEvery{500};

}  // namespace

TimePoint Consumer::next_chores() const {
  if (!suspects_.empty()) return TimePoint{};
  TimePoint at = ledger_.flush_by();
  for (const auto& [name, s] : subscriptions_)
    if (!away(*s)) at = std::min(at, s->idle_at());
  return at;
}

TimePoint Consumer::chores(TimePoint now) {
  const TimePoint until = now + kReturnWithin;
  try {
    finish_returning(until);  // of before, if the turn was not to be had then
    collect_idle(now, until);
    if (!returning_.items.empty()) return_idle(steady_clock::now() + kReturnWithin);
    const Connection::Turn turn(*connection_, steady_clock::now() + kReturnWithin);
    // To look at what is idle again and again would be of no use, to send acks in time is.
    return std::max(next_chores(),
                    std::min(ledger_.flush_by(), steady_clock::now() + kHoldFor / 4));
  } catch (const std::exception& e) {
    instance_.host.log(GANDER_LOG_WARN,
                       std::string("giving back what is not fetched: ") + e.what());
    return steady_clock::now() + kReturnWithin;
  }
}

void Consumer::collect_idle(TimePoint now, TimePoint until) {
  const Connection::Turn turn(*connection_, until);
  until = steady_clock::now() + kReturnWithin;  // as it may have waited for its turn
  connection_->catch_up();
  if (now >= ledger_.flush_by()) ledger_.flush(connection_->client());
  collect_suspects(returning_);
  for (const auto& [name, s] : subscriptions_) {
    if (s->told) look_up_state(*s, until);
    if (now < s->idle_at() || away(*s)) continue;
    cancel_all(*s, until);
    ledger_.flush(connection_->client());
    if (s->paused) end_taking(*s, until);
    for (Level& level : s->levels) {
      for (const std::uint64_t tag : level.waiting) {
        Lease& lease = *ledger_.find(tag);
        lease.state = Lease::State::moving;
        go_back(returning_, tag, lease);
      }
      level.waiting.clear();
    }
  }
}

void Consumer::return_idle(TimePoint until) {
  std::string failed;
  try {
    publish_and_listen(returning_.items, until, false);
  } catch (const std::exception& e) {
    failed = e.what();
  }
  finish_returning(steady_clock::now() + kReturnWithin);
  if (!failed.empty()) throw std::runtime_error(failed);
}

// Where nobody else listens: the server ends a connection that says nothing for as long as a
// publish may take. `in_turn`: the caller has the turn.
void Consumer::publish_and_listen(std::span<Outgoing> items, TimePoint until, bool in_turn) {
  auto published = std::async(
      std::launch::async, [&] { publisher_.publish(items, Publisher::WhenBlocked::fail, until); });
  while (published.wait_for(kListenEvery) != std::future_status::ready) {
    try {
      std::optional<Connection::Turn> turn;
      if (!in_turn) turn.emplace(*connection_, steady_clock::now() + kListenEvery);
      connection_->catch_up();
    } catch (const sdk::Error&) {
      // Who has the turn listens; and that it is lost the next call tells.
    }
  }
  published.get();
}

// What could not be stored elsewhere waits here again.
void Consumer::finish_returning(TimePoint until) {
  if (returning_.items.empty()) return;
  const Connection::Turn turn(*connection_, until);
  for (std::size_t i = returning_.tags.size(); i-- > 0;) {
    const std::uint64_t tag = returning_.tags[i];
    Lease& lease = *ledger_.find(tag);
    Level& level = *lease.level;
    if (returning_.items[i].result == Outgoing::Result::stored) {
      if (returning_.items[i].to == Outgoing::To::alone) instance_.bell.ring(level.queue->name);
      finish(tag);
      continue;
    }
    lease.state = Lease::State::waiting;
    level.waiting.push_front(tag);
    note_oldest(*level.queue);
    instance_.bell.ring(level.queue->name);
  }
  returning_ = {};
  ledger_.flush(connection_->client());
}

void Consumer::finish_stored(const Moves& moves) {
  for (std::size_t i = 0; i < moves.tags.size(); ++i)
    if (moves.items[i].result == Outgoing::Result::stored) finish(moves.tags[i]);
  ledger_.flush(connection_->client());
}

// After the listening thread has ended.
void Consumer::give_all_back(TimePoint until) {
  const Connection::Turn turn(*connection_, until);
  for (const auto& [name, s] : subscriptions_)
    if (!away(*s)) cancel_all(*s, until);
  finish_stored(returning_);
  Moves moves;
  ledger_.each([&](std::uint64_t tag, Lease& lease) {
    if (lease.given) ++lease.message.give_backs;
    go_back(moves, tag, lease);
  });
  if (moves.items.empty()) return;
  try {
    publish_and_listen(moves.items, until, true);
  } catch (...) {
    finish_stored(moves);
    throw;
  }
  finish_stored(moves);
  for (const auto& [name, s] : subscriptions_) instance_.bell.ring(name);
}

}  // namespace gander::rabbitmq
