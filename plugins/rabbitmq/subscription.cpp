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

Subscription::Subscription(const Names& names, std::string_view queue) : name(queue) {
  const std::string address = address_of(queue);
  for (std::uint32_t p = 0; p < kPriorities; ++p) {
    levels[p].queue = this;
    levels[p].priority = p;
    levels[p].name = names.work(address, p);
  }
}

bool Subscription::any_waiting() const {
  return std::ranges::any_of(levels, [](const Level& l) { return !l.waiting.empty(); });
}

// A host that is slow may still take now and then, so it counts how long a delivery waits.
std::chrono::steady_clock::time_point Subscription::idle_at() const {
  using TimePoint = std::chrono::steady_clock::time_point;
  return any_waiting() ? waiting_since + kHoldFor : TimePoint::max();
}

std::size_t prefetch_for(std::size_t room) {
  if (room <= kExact) return room;
  return std::min(std::bit_ceil(2 * room), kLargest);
}

}  // namespace gander::rabbitmq
