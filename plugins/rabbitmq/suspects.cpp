// What may kill its worker is pushed alone.
//
// The server counts a return for all that it had pushed to a connection that ended: what waited
// there for its turn as well as what ran. A job that only waits where lines break or workers crash
// would so be taken for the one that kills them, and be a dead letter without ever having run.
//
// So a queue's returns say no more than that a message is a suspect, as the host calls it: one with
// so many crashes that it is run alone. It is moved to a queue of which each worker is pushed one
// at a time, and which it asks for one; there each return is a crash of its own.
#include <algorithm>

#include "exchange.h"

namespace gander::rabbitmq {
namespace {

// With so many the host runs a message alone.
constexpr std::uint32_t kSuspect = 2;

}  // namespace

// Whether it is to be moved, which chores() does: whoever reads must not wait for the server.
bool Consumer::isolates(std::uint64_t tag, Lease& lease, std::int64_t returns) {
  gander_message& m = lease.message;
  if (lease.level->alone || returns == 0 || m.crashes < kSuspect) return false;
  m.crashes = std::max(m.crashes - static_cast<std::uint32_t>(returns), kSuspect);
  lease.state = Lease::State::moving;
  suspects_.push_back(tag);
  connection_->wake_by(TimePoint{});
  return true;
}

void Consumer::collect_suspects(Moves& moves) {
  for (const std::uint64_t tag : suspects_) go_back(moves, tag, *ledger_.find(tag));
  suspects_.clear();
}

void Consumer::go_back(Moves& moves, std::uint64_t tag, const Lease& lease) {
  moves.items.push_back(ready_again(lease.message));
  moves.tags.push_back(tag);
}

Outgoing Consumer::ready_again(const gander_message& message) {
  const bool suspect = message.crashes >= kSuspect;
  return {&message, GANDER_STATE_READY, suspect ? Outgoing::To::alone : Outgoing::To::work};
}

}  // namespace gander::rabbitmq
