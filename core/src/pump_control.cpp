// The outside of the pump: how a Worker quiets, stops and watches it.
#include <algorithm>

#include "pump.h"

namespace gander {
namespace {
// "For ever" as a number of milliseconds would overflow the clock.
std::chrono::milliseconds bounded(std::chrono::milliseconds timeout) {
  return std::min<std::chrono::milliseconds>(timeout, std::chrono::hours(24 * 365));
}
}  // namespace

void Pump::quiet() {
  const std::lock_guard lock(mutex_);
  quiet_ = true;
  pump_wake_.notify_one();
}

void Pump::stop() {
  const std::lock_guard lock(mutex_);
  quiet_ = stopping_ = true;
  give_back_waiting();
  pump_wake_.notify_one();
}

void Pump::abandon() {
  const std::lock_guard lock(mutex_);
  quiet_ = stopping_ = abandoned_ = true;
  pump_wake_.notify_one();
  state_wake_.notify_all();
}

bool Pump::wait_settled(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const auto settled = [this] {
    return running_.empty() && (ended_ || (settled_.empty() && !in_flight_));
  };
  state_wake_.wait_for(lock, bounded(timeout), [&] { return settled() || abandoned_; });
  return settled();
}

bool Pump::wait_returned(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return state_wake_.wait_for(lock, bounded(timeout), [this] { return running_.empty(); });
}

bool Pump::wait_idle(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  plan_.forget_empty();
  const std::uint64_t wanted = looks_ + 1 + (in_flight_ ? 1 : 0);
  looks_wanted_ = std::max(looks_wanted_, wanted);
  pump_wake_.notify_one();
  return state_wake_.wait_for(lock, bounded(timeout), [&] { return ended_ || looks_ >= wanted; }) &&
         !ended_;
}

}  // namespace gander
