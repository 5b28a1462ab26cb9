// The second half of an exchange: from what was pushed, and, where nothing was asked of the server
// lately, from the server.
#include <algorithm>
#include <mutex>
#include <thread>

#include "error.h"
#include "exchange.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

// The server has said that messages are there. Others may have taken them since.
constexpr std::chrono::milliseconds kAwaitPush{100};
// While pushes come in a row, the next is worth a moment; asking the server takes longer.
constexpr std::chrono::milliseconds kInARow{20};
constexpr std::chrono::milliseconds kMoment{5};
constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kMany = 64;
constexpr std::chrono::milliseconds kGather{3};
constexpr std::chrono::microseconds kPause{500};
constexpr int kTries = 50;

}  // namespace

// Nothing may be said to be there only when the server says so: what it has and what is under way
// from it is waited for. (Something is an answer by itself: the rest rings the bell.)
void Consumer::take(const sdk::Exchange& exchange, sdk::Taken& taken, TimePoint until) {
  auto batch = std::make_unique<sdk::Batch>();
  gather(exchange.takes, until);
  take_each(exchange, *batch, until);
  if (batch->size() == 0 && await_pushes(exchange.takes, until)) take_each(exchange, *batch, until);
  taken.batch = std::move(batch);
}

// A host that wants many has short jobs. While pushes flow it is given what comes in the next
// moment at once: otherwise it would take, run and settle them by the handful, at several times the
// cost.
void Consumer::gather(sdk::Takes takes, TimePoint until) {
  std::size_t wanted = 0;
  for (const gander_take* t : takes) wanted += t->max_messages;
  const TimePoint now = steady_clock::now();
  if (wanted < kMany || now > last_push_ + kInARow) return;
  const auto here = [&] {
    std::size_t n = 0;
    for (const gander_take* t : takes)
      for (const Level& level : subscription(sdk::view(t->queue)).levels) n += level.waiting.size();
    return n;
  };
  const TimePoint limit = std::min(until, now + kGather);
  while (here() < wanted && connection_->listen(std::min(limit, steady_clock::now() + kPause)))
    connection_->catch_up();
}

void Consumer::take_each(const sdk::Exchange& exchange, sdk::Batch& batch, TimePoint until) {
  for (const gander_take* t : exchange.takes) {
    if (t->max_messages == 0) continue;
    Subscription& s = subscription(sdk::view(t->queue));
    const std::size_t room = s.held + t->max_messages;
    std::size_t missing = t->max_messages;
    bool full = false;
    for (Level& level : s.levels) {
      fetch(level, missing, room, until);
      missing -= take_from(level, missing, exchange.max_bytes, batch);
      full = !fits(level, exchange.max_bytes, batch);
      // What comes in a moment goes before what has a lower priority.
      if (missing == 0 || full || level.expects(steady_clock::now())) break;
    }
    note_oldest(s);
    if (full) break;
  }
}

void Consumer::note_oldest(Subscription& s) {
  s.waiting_since = TimePoint::max();
  for (const Level& level : s.levels)
    if (!level.waiting.empty())
      s.waiting_since = std::min(s.waiting_since, ledger_.find(level.waiting.front())->pushed_at);
}

// Whether something has come, or comes soon.
bool Consumer::await_pushes(sdk::Takes takes, TimePoint until) {
  const auto wanted = [](const gander_take* t) { return t->max_messages > 0; };
  if (std::ranges::none_of(takes, wanted)) return false;
  const auto come = [&] {
    return std::ranges::any_of(takes, [&](const gander_take* t) {
      return wanted(t) && subscription(sdk::view(t->queue)).any_waiting();
    });
  };
  const auto listen_until = [&](TimePoint limit) {
    while (!come() && connection_->listen(std::min(limit, until))) {
    }
    return come();
  };
  const TimePoint now = steady_clock::now();
  if (now < last_push_ + kInARow && listen_until(now + kMoment)) return true;
  // Even a server that is slow, as its disk is, is not taken for empty.
  const TimePoint patience = std::min(until, now + kPatience);
  while (!come() && steady_clock::now() < patience) {
    const bool there = std::ranges::any_of(takes, [&](const gander_take* t) {
      return wanted(t) && to_be_pushed(subscription(sdk::view(t->queue)), until);
    });
    connection_->client().sync(until);
    connection_->catch_up();
    if (!there) break;
    listen_until(steady_clock::now() + kAwaitPush);
  }
  return come();
}

// Whether the server has messages of it, and may push them.
bool Consumer::to_be_pushed(const Subscription& s, TimePoint until) {
  return std::ranges::any_of(s.levels, [&](const Level& level) {
    if (level.consumer == 0 || level.spent()) return false;
    return connection_->client().count(level.name, until).value_or(0) > 0;
  });
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
    gander_message m = static_cast<const gander_message&>(lease.message);
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
    // Only one that is spent can be replaced by a wider one without harm, and only there it helps.
    if (enough || !level.spent() || prefetch_for(room) <= level.prefetch) return;
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
  if (*there == 0) return;
  const TimePoint limit = steady_clock::now() + kAwaitPush;
  const std::size_t before = level.waiting.size();
  while (level.waiting.size() == before && connection_->listen(std::min(limit, until))) {
  }
  connection_->catch_up();
  level.expect(std::min<std::size_t>(*there, level.prefetch), limit);
}

void Consumer::subscribe(Level& level, std::size_t room, TimePoint until) {
  consumers_.push_back(&level);
  level.prefetch = prefetch_for(room);
  level.pushed = level.pushed_in_all = level.expected = 0;
  level.consumer = consumers_.size();  // at once, as the first deliveries come with the answer
  try {
    connection_->client().consume(level.name, std::to_string(level.consumer),
                                  static_cast<std::uint16_t>(level.prefetch), Client::Acks::needed,
                                  until);
  } catch (...) {
    level.consumer = 0;
    throw;
  }
}

// What is on its way to a consumer when that is cancelled the server takes back, and counts as it
// counts a crash. So until nothing is: a consumer whose prefetch is spent is pushed no more, and
// the queue of another is empty as soon as nothing new comes.
void Consumer::quiesce(const Level& level, TimePoint until) {
  if (level.consumer == 0) return;
  for (std::size_t before = level.pushed + 1; before != level.pushed && !level.spent();) {
    before = level.pushed;
    connection_->client().sync(until);
    connection_->catch_up();
  }
}

// And all that was pushed to them is here.
void Consumer::cancel_all(Subscription& s, TimePoint until) {
  std::unique_lock still(instance_.arrivals, std::defer_lock);
  // Not for long: an enqueue may last for seconds, and one too many crashes is no harm.
  for (int tries = 0; tries < kTries && !still.try_lock(); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  for (Level& level : s.levels) {
    quiesce(level, until);
    unsubscribe(level, until);
  }
  connection_->catch_up();
}

void Consumer::unsubscribe(Level& level, TimePoint until) {
  if (level.consumer == 0) return;
  connection_->client().cancel(std::to_string(level.consumer), until);
  level.consumer = 0;
}

}  // namespace gander::rabbitmq
