// The second half of an exchange: from what was pushed, and, where nothing was asked of the server
// lately, from the server.
#include <algorithm>

#include "error.h"
#include "exchange.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

// The server has said that messages are there. Others may have taken them since.
constexpr std::chrono::milliseconds kAwaitPush{100};
constexpr std::size_t kTooWide = 8;

}  // namespace

void Consumer::take(const sdk::Exchange& exchange, sdk::Taken& taken, TimePoint until) {
  auto batch = std::make_unique<sdk::Batch>();
  for (const gander_take* t : exchange.takes) {
    if (t->max_messages == 0) continue;
    Subscription& s = subscription(sdk::view(t->queue));
    s.last_take = steady_clock::now();
    const std::size_t room = s.held + t->max_messages;
    std::size_t missing = t->max_messages;
    bool full = false;
    for (Level& level : s.levels) {
      fetch(level, missing, room, until);
      missing -= take_from(level, missing, exchange.max_bytes, *batch);
      full = !fits(level, exchange.max_bytes, *batch);
      if (missing == 0 || full) break;
    }
    s.satisfied = missing == 0 || full;
    if (full) break;
  }
  taken.batch = std::move(batch);
}

// Whether the next of it, if there is one, may go into the batch.
bool Consumer::fits(const Level& level, std::uint64_t max_bytes, const sdk::Batch& batch) {
  if (level.waiting.empty() || max_bytes == 0 || batch.size() == 0) return true;
  return batch.body_bytes() + ledger_.find(level.waiting.front())->message.body.len <= max_bytes;
}

std::size_t Consumer::take_from(Level& level, std::size_t most, std::uint64_t max_bytes,
                                sdk::Batch& batch) {
  std::size_t n = 0;
  while (n < most && !level.waiting.empty() && fits(level, max_bytes, batch)) {
    const std::uint64_t tag = level.waiting.front();
    Lease& lease = *ledger_.find(tag);
    gander_message m = lease.message;
    m.queue = sdk::str(level.queue->name);
    m.receipt[0] = tag;
    m.receipt[1] = serial_;
    batch.add(m);
    lease.state = Lease::State::held;
    lease.given = true;
    level.waiting.pop_front();
    ++level.queue->held;
    ++n;
  }
  return n;
}

Subscription& Consumer::subscription(std::string_view queue) {
  const auto it = subscriptions_.find(queue);
  if (it != subscriptions_.end()) return *it->second;
  return *subscriptions_
              .emplace(std::string(queue), std::make_unique<Subscription>(instance_.names, queue))
              .first->second;
}

// Sees to it that the server pushes what is missing, if it has it.
void Consumer::fetch(Level& level, std::size_t missing, std::size_t room, TimePoint until) {
  const bool enough = level.waiting.size() >= missing;
  if (level.consumer != 0) {
    const bool spent = level.pushed >= level.prefetch && room > level.prefetch;
    const bool too_wide = level.prefetch > kTooWide * room;
    if (enough || (!spent && !too_wide)) return;
    unsubscribe(level, until);
  }
  topology_.ensure_queue(
      connection_->client(), level.queue->name, until,
      [this](std::string_view queue, TimePoint by) { publisher_.note_name(queue, by); });
  topology_.ensure_priority(connection_->client(), level.queue->name, level.priority, until);
  std::optional<std::uint32_t> there = connection_->client().count(level.name, until);
  if (!there) {  // deleted behind our back
    topology_.forget(level.queue->name);
    topology_.ensure_priority(connection_->client(), level.queue->name, level.priority, until);
    there = 0;
  }
  subscribe(level, room, until);
  const std::size_t come = std::min<std::size_t>({*there, missing, level.prefetch});
  const TimePoint limit = std::min(until, steady_clock::now() + kAwaitPush);
  while (level.waiting.size() < come && connection_->listen(limit)) {
  }
}

void Consumer::subscribe(Level& level, std::size_t room, TimePoint until) {
  consumers_.push_back(&level);
  level.prefetch = prefetch_for(room);
  level.pushed = 0;
  level.consumer = consumers_.size();  // at once, as the first deliveries come with the answer
  try {
    connection_->client().consume(level.name, std::to_string(level.consumer),
                                  static_cast<std::uint16_t>(level.prefetch), false, until);
  } catch (...) {
    level.consumer = 0;
    throw;
  }
}

void Consumer::unsubscribe(Level& level, TimePoint until) {
  if (level.consumer == 0) return;
  connection_->client().cancel(std::to_string(level.consumer), until);
  level.consumer = 0;
}

}  // namespace gander::rabbitmq
