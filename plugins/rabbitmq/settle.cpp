// The first half of an exchange. Successor before predecessor: what a delivery becomes is confirmed
// by the server before the delivery is acknowledged, so of both one is there at any moment, and in
// a crash between the two, both.
#include <algorithm>

#include "enqueue.h"
#include "error.h"
#include "exchange.h"

namespace gander::rabbitmq {

// Returns what is to be said if nothing is taken either: what has to wait, for a queue that is full
// or away or for an alarm to end, must not keep the worker from the jobs that may end it.
std::optional<sdk::Error> Consumer::settle(const sdk::Exchange& exchange, TimePoint until) {
  Moves moves;
  std::size_t finished = look_up(exchange, moves, until);
  if (moves.items.empty()) return std::nullopt;
  std::optional<sdk::Error> failed;
  try {
    // Not in turn: heartbeats go on, and deliveries come in, while the server confirms.
    publisher_.publish(moves.items, Publisher::WhenBlocked::fail, until);
  } catch (const sdk::Error& e) {
    // This connection is as good as before, and what may be stored twice is no loss. Only its size
    // is a message's own fault: what the server has against us it may not have tomorrow, and who
    // does not try again keeps the message for ever.
    std::uint32_t flags =
        e.flags() & ~std::uint32_t{GANDER_ERROR_RECONNECT | GANDER_ERROR_MAYBE_APPLIED};
    if (e.code() != GANDER_TOO_LARGE) flags |= GANDER_ERROR_RETRYABLE;
    failed.emplace(e.code(), e.what(), flags, e.native_code(), e.native());
  }
  finished += finish_moved(moves);
  for (std::size_t i = 0; i < moves.items.size(); ++i)
    if (moves.items[i].result != Outgoing::Result::stored)
      exchange.verdicts[moves.verdicts[i]] = GANDER_NOT_ATTEMPTED;
  if (finished > 0) return std::nullopt;  // the rest is for the next exchange
  // This one goes from its worker only when the host is told.
  if (failed && failed->code() == GANDER_TOO_LARGE) throw sdk::Error(*failed);
  if (failed) return failed;
  for (const Outgoing& o : moves.items)
    if (o.result == Outgoing::Result::away) return instance_.quorums.error(o.part());
  for (const Outgoing& o : moves.items)
    if (o.result == Outgoing::Result::too_large) throw sdk::Error(publisher_.limit());
  const auto lost = [](const Outgoing& o) { return o.result != Outgoing::Result::stored; };
  if (std::ranges::any_of(moves.items, lost))
    return sdk::Error(GANDER_FULL,
                      instance_.settings.where() +
                          ": a queue took no successor: it has reached a limit, or was deleted",
                      GANDER_ERROR_RETRYABLE);
  return std::nullopt;
}

// Acknowledges what needs no more, and notes in `moves` what has a successor. Returns how many were
// finished.
std::size_t Consumer::look_up(const sdk::Exchange& exchange, Moves& moves, TimePoint until) {
  const Connection::Turn turn(*connection_, until);
  // No successor of what is not ours any more: that the session has ended may lie there unread.
  connection_->catch_up();
  require_held(until);
  std::size_t finished = 0;
  for (std::size_t i = 0; i < exchange.settles.size(); ++i) {
    const gander_settle& s = *exchange.settles[i];
    Lease* lease = held(*s.message);
    exchange.verdicts[i] = lease == nullptr ? GANDER_LEASE_LOST : GANDER_OK;
    if (lease == nullptr) continue;
    const std::uint64_t tag = s.message->receipt[0];
    if (s.op == GANDER_SETTLE_ACK) {
      finish(tag);
      ++finished;
      continue;
    }
    lease->state = Lease::State::moving;
    moves.items.push_back(successor(s));
    moves.tags.push_back(tag);
    moves.verdicts.push_back(i);
  }
  ledger_.flush_soon(connection_->client(), std::chrono::steady_clock::now());
  return finished;
}

// In the hands of the host, under this receipt, and of this session.
Lease* Consumer::held(const gander_message& message) {
  if (message.receipt[1] != serial_) return nullptr;
  Lease* lease = ledger_.find(message.receipt[0]);
  if (lease == nullptr || lease->state != Lease::State::held) return nullptr;
  return sdk::IdEqual()(lease->message.id, message.id) ? lease : nullptr;
}

Outgoing Consumer::successor(const gander_settle& settle) const {
  const gander_message& m = *settle.message;
  if (settle.op == GANDER_SETTLE_DEAD) return {&m, GANDER_STATE_DEAD, Outgoing::To::dead};
  const std::int64_t delay =
      settle.op == GANDER_SETTLE_GIVE_BACK ? 0 : delay_until(m.run_at_us, instance_.host.now_us());
  if (delay == 0) return ready_again(m);
  const std::uint32_t state =
      settle.op == GANDER_SETTLE_RETRY ? GANDER_STATE_RETRY : GANDER_STATE_SCHEDULED;
  return {&m, state, Outgoing::To::later, std::min(delay, kLongestDelay)};
}

void Consumer::finish(std::uint64_t tag) {
  Lease& lease = *ledger_.find(tag);
  Level& level = *lease.level;
  if (level.has(lease.consumer)) --level.pushed;
  if (lease.given) --level.queue->held;
  ledger_.finish(tag);
}

// Without it nobody would finish what was stored elsewhere: then this session is to end.
std::unique_ptr<Connection::Turn> Consumer::surely_in_turn() {
  try {
    return std::make_unique<Connection::Turn>(
        *connection_, std::chrono::steady_clock::now() + instance_.settings.call_timeout);
  } catch (const sdk::Error& e) {
    throw sdk::Error(e.code(), e.what(),
                     e.flags() | GANDER_ERROR_RECONNECT | GANDER_ERROR_MAYBE_APPLIED);
  }
}

std::size_t Consumer::finish_moved(Moves& moves) {
  const auto turn = surely_in_turn();
  std::size_t finished = 0;
  for (std::size_t i = 0; i < moves.tags.size(); ++i) {
    if (moves.items[i].result == Outgoing::Result::stored) {
      finish(moves.tags[i]);
      ++finished;
    } else {
      ledger_.find(moves.tags[i])->state = Lease::State::held;
    }
  }
  ledger_.flush_soon(connection_->client(), std::chrono::steady_clock::now());
  return finished;
}

}  // namespace gander::rabbitmq
