#include "subscription.h"

#include <algorithm>
#include <bit>

namespace gander::rabbitmq {
namespace {

// Up to here a prefetch is exact: jobs may be long. Beyond, jobs are so short that what is pushed
// too much waits for milliseconds, and a round trip of the server must not be waited for.
constexpr std::size_t kExact = 32;
constexpr std::size_t kLargest = 4096;

}  // namespace

void Level::add(std::uint64_t number, std::size_t prefetch_of_it) {
  consumers.push_back({number, prefetch_of_it});
  prefetch += prefetch_of_it;
  ran_dry = false;
}

void Level::clear() {
  consumers.clear();
  prefetch = pushed = pushed_in_all_ = expected_ = 0;
  ran_dry = behind = false;
}

void Level::note_pushed() {
  ++pushed;
  ++pushed_in_all_;
  ran_dry = ran_dry || spent();
  behind = behind || spent();
}

void Level::expect(std::size_t n, std::chrono::steady_clock::time_point until) {
  expected_ = n;
  expected_until_ = until;
}

bool Level::expects(std::chrono::steady_clock::time_point now) const {
  return pushed_in_all_ < expected_ && now < expected_until_;
}

Subscription::Subscription(const Names& names, std::string_view queue) : name(queue) {
  const std::string address = address_of(queue);
  const auto all = names.ready(address);
  for (std::size_t i = 0; i < all.size(); ++i) {
    levels[i].queue = this;
    levels[i].name = all[i];
  }
  levels.front().alone = true;
}

bool Subscription::any_waiting() const {
  return std::ranges::any_of(levels, [](const Level& l) { return !l.waiting.empty(); });
}

// A host that is slow may still take now and then, so it counts how long a delivery waits.
std::chrono::steady_clock::time_point Subscription::idle_at() const {
  using TimePoint = std::chrono::steady_clock::time_point;
  if (told || (paused && (takes || any_waiting()))) return TimePoint{};
  return any_waiting() ? waiting_since + kHoldFor : TimePoint::max();
}

std::size_t prefetch_for(std::size_t room) {
  if (room <= kExact) return room;
  return std::min(std::bit_ceil(2 * room), kLargest);
}

}  // namespace gander::rabbitmq
