// The outside of the pump: how a Worker quiets, stops and watches it; and how it empties its hands.
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

// Of an incarnation that ended: its deliveries belong to others now.
void Pump::drop_all() {
  ready_.clear();
  settled_.clear();
  suspect_.reset();
  for (auto& [thread, delivery] : running_) delivery.life = 0;
}

void Pump::give_back_waiting() {
  if (suspect_) ready_.push_back(std::move(*suspect_));
  suspect_.reset();
  give_back_ready();
}

void Pump::give_back_ready() {
  if (ready_.empty()) return;
  if (settled_.empty()) first_settled_ = std::chrono::steady_clock::now();
  // last first: each goes to the front, so the order stays
  for (auto it = ready_.rbegin(); it != ready_.rend(); ++it)
    settled_.push_back(Settlement::give_back(std::move(*it)));
  ready_.clear();
}

}  // namespace gander
