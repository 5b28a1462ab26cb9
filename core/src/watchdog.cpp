#include "watchdog.h"

namespace gander {
namespace {
constexpr auto kLookEvery = std::chrono::milliseconds(50);
}  // namespace

Watchdog::Watchdog(const std::vector<std::unique_ptr<RunSlot>>& slots, const Clock& clock)
    : slots_(slots), clock_(clock), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Watchdog::arm() {
  const std::lock_guard lock(mutex_);
  armed_ = true;
  wake_.notify_one();
}

void Watchdog::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return armed_; })) return;
      armed_ = false;  // before looking: one that begins meanwhile arms it again
      wake_.wait_for(lock, stop, kLookEvery, [] { return false; });
    }
    const std::int64_t now = clock_.now_us();
    bool any = false;
    for (const auto& slot : slots_) {
      slot->check_deadline(now);
      any = any || slot->deadline_us() != 0;
    }
    if (any) arm();
  }
}

}  // namespace gander
