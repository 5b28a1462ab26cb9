// Waits for a state, in tests.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

// True as soon as it holds. Sanitizers and other tests slow everything down: the limit is only for
// what never comes.
inline bool eventually(const std::function<bool()>& holds,
                       std::chrono::seconds limit = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}
