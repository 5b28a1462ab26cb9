// Sets the stop token of a run whose deadline has passed, whatever the broker and the pump are
// doing.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "clock.h"
#include "run_slot.h"

namespace gander {

// Its thread sleeps until a run with a deadline begins, and looks every 50 ms while there is one.
class Watchdog {
 public:
  // Both must outlive it.
  Watchdog(const std::vector<std::unique_ptr<RunSlot>>& slots, const Clock& clock);
  // Thread-safe: a run with a deadline has begun.
  void arm();

 private:
  void run(const std::stop_token& stop);
  const std::vector<std::unique_ptr<RunSlot>>& slots_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool armed_ = false;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace gander
