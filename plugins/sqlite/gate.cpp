#include "gate.h"

namespace gander::sqlite {

bool Gate::enter(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  if (!held_) {
    held_ = true;
    return true;
  }
  Waiter self;
  waiters_.push_back(&self);
  if (self.turn.wait_until(lock, until, [&] { return self.mine; })) return true;
  waiters_.remove(&self);
  return false;
}

void Gate::leave() noexcept {
  const std::lock_guard lock(mutex_);
  if (waiters_.empty()) {
    held_ = false;
    return;
  }
  // Handed over while still held: nobody who comes now gets in before the one who waits.
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->mine = true;
  next->turn.notify_one();
}

}  // namespace gander::sqlite
