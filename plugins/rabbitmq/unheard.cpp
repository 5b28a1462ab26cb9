// What a Publisher does about queues that refuse a message or say nothing: which may be because
// most of the nodes that hold them are away (quorums.h).
#include <algorithm>
#include <thread>

#include "error.h"
#include "publisher.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

// What is refused is sent again, on new connections, for so long; then the queue is full, and is
// believed to be so for a while.
constexpr std::chrono::milliseconds kRefusedFor{3000};
constexpr std::chrono::milliseconds kRefusedPause{100};
constexpr std::chrono::milliseconds kExplainedWithin{6000};
constexpr std::chrono::milliseconds kFullFor{5000};

}  // namespace

void Publisher::publish(std::span<Outgoing> items, WhenBlocked when_blocked, TimePoint until) {
  const Call call(*this, until);
  publish_locked(items, when_blocked, until);
  const TimePoint limit = std::min(until, steady_clock::now() + kRefusedFor);
  while (refused(items)) {
    explain_refused(items, std::min(until, steady_clock::now() + kExplainedWithin));
    if (!refused(items)) return;
    const TimePoint next = steady_clock::now() + kRefusedPause;
    if (next < full_until_) return;
    if (next >= limit) {
      full_until_ = next + kFullFor;
      return;
    }
    std::this_thread::sleep_until(next);
    drop_connection();
    for (Outgoing& o : items)
      if (o.result == Outgoing::Result::refused) o.result = Outgoing::Result::waiting;
    publish_locked(items, when_blocked, until);
  }
}

// A queue that is away holds up all that is sent on this connection after what was sent there.
void Publisher::doubt_silent() {
  for (const Outgoing* o : unconfirmed_) {
    if (o == nullptr || o->result != Outgoing::Result::waiting || o->message->queue.len == 0)
      continue;
    const Part part = o->part();
    if (instance_.quorums.away(part)) connection_->client().lose(instance_.quorums.error(part));
    instance_.quorums.doubt(part, target(*o, address_of(sdk::view(o->message->queue))));
  }
  if (held_up())
    connection_->client().lose(
        lost_connection(connection_->client().where(), "another queue does not answer"));
}

bool Publisher::held_up() const {
  return std::ranges::any_of(overdue_, [&](const Part& p) { return instance_.quorums.away(p); });
}

void Publisher::leave_out_away(std::span<Outgoing> items) const {
  if (instance_.quorums.all_well()) return;
  for (Outgoing& o : items)
    if (o.result == Outgoing::Result::waiting && instance_.quorums.away(o.part()))
      o.result = Outgoing::Result::away;
}

bool Publisher::refused(std::span<const Outgoing> items) {
  const auto is = [](const Outgoing& o) { return o.result == Outgoing::Result::refused; };
  return std::ranges::any_of(items, is);
}

// A queue refuses what is beyond its limit. One whose leader's node is away refuses, too; and a
// channel that met it so goes on refusing for ever (seen with RabbitMQ 3.10), while another channel
// finds the new leader.
void Publisher::explain_refused(std::span<Outgoing> items, TimePoint until) const {
  std::string last;
  for (Outgoing& o : items) {
    if (o.result != Outgoing::Result::refused) continue;
    const Part part = o.part();
    const bool first = last != part.key();
    last = part.key();
    const auto name = [&] { return target(o, address_of(sdk::view(o.message->queue))); };
    if (first ? instance_.quorums.find_out(part, name(), until) : instance_.quorums.away(part))
      o.result = Outgoing::Result::away;
  }
}

}  // namespace gander::rabbitmq
