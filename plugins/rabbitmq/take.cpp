// The second half of an exchange: from what was pushed, and, where nothing was asked of the server
// lately, from the server.
#include <algorithm>
#include <thread>
#include <utility>

#include "error.h"
#include "exchange.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kAwaitPush{100};
// While pushes come in a row, the next is worth a moment; asking the server takes longer.
constexpr std::chrono::milliseconds kInARow{20};
constexpr std::chrono::milliseconds kMoment{5};
// What the server is known to have comes when it has written down who was acknowledged.
constexpr std::chrono::milliseconds kRefill{50};
constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kMany = 64;
constexpr std::chrono::milliseconds kGather{3};
// The server writes some eight messages at a time: to be woken for each write would cost both sides
// more than the messages do.
constexpr std::chrono::microseconds kPause{500};

}  // namespace

// Nothing may be said to be there only when the server says so: what it has and what is under way
// from it is waited for. (Something is an answer by itself: the rest rings the bell.)
void Consumer::take(const sdk::Exchange& exchange, sdk::Taken& taken, TimePoint until) {
  taken.batch = std::make_unique<sdk::Batch>();
  gather(exchange.takes, until);
  take_each(exchange, *taken.batch, until);
  if (taken.batch->size() == 0 && await_pushes(exchange.takes, until))
    take_each(exchange, *taken.batch, until);
}

// All that are new are made at once: each takes a while.
std::vector<std::string> Consumer::missing_queues(sdk::Takes takes) {
  std::vector<std::string> names;
  for (const gander_take* t : takes)
    if (const Subscription& s = subscription(sdk::view(t->queue)); !s.stands && !away(s))
      names.push_back(s.name);
  return names;
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
  for (std::size_t before = SIZE_MAX, n = here(); n < wanted && n != before;) {
    if (steady_clock::now() >= limit) return;
    std::this_thread::sleep_for(kPause);
    connection_->catch_up();
    before = std::exchange(n, here());
  }
}

void Consumer::take_each(const sdk::Exchange& exchange, sdk::Batch& batch, TimePoint until) {
  for (const gander_take* t : exchange.takes) {
    if (t->max_messages == 0) continue;
    Subscription& s = subscription(sdk::view(t->queue));
    if (is_paused(s, until)) continue;
    const std::size_t room = s.held + t->max_messages;
    std::size_t missing = t->max_messages;
    bool full = false, suspect = false;
    for (Level& level : s.levels) {
      if (!away(s)) fetch(level, missing, room, until);
      if (s.paused) break;
      const std::size_t most = level.alone ? 1 : missing;
      if (&level != &s.levels.back() && level.waiting.size() < most) await_refill(level, until);
      const std::size_t taken = take_from(level, most, exchange.max_bytes, batch);
      missing -= taken;
      suspect = level.alone && taken > 0;
      full = !fits(level, exchange.max_bytes, batch);
      // What comes in a moment goes before what has a lower priority.
      if (missing == 0 || full || suspect || level.expects(steady_clock::now())) break;
    }
    note_oldest(s);
    if (full || suspect) return ring_for_waiting(exchange.takes);
  }
}

// What has come and is not taken now rings no more.
void Consumer::ring_for_waiting(sdk::Takes takes) {
  for (const gander_take* t : takes)
    if (const Subscription& s = subscription(sdk::view(t->queue)); s.any_waiting())
      instance_.bell.ring(s.name);
}

// What the settles of this call have just made room for is on its way, and goes before what has a
// lower priority. Only where the server may have more: to ask is a round trip.
void Consumer::await_refill(Level& level, TimePoint until) {
  if (!level.open() || level.alone || !level.behind || level.spent()) return;
  if (connection_->client().count(level.name, until).value_or(0) == 0) {
    connection_->catch_up();
    level.behind = level.spent();
    return;
  }
  const TimePoint limit = std::min(until, steady_clock::now() + kRefill);
  while (level.waiting.empty() && connection_->listen(limit)) {
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
      const Subscription& s = subscription(sdk::view(t->queue));
      return wanted(t) && !away(s) && to_be_pushed(s, until);
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
    if (!level.open() || level.spent()) return false;
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

}  // namespace gander::rabbitmq
