// Time as a parameter: everything in core that asks what time it is asks one of these.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace gander {

class Clock {
 public:
  virtual ~Clock() = default;
  // Unix time. Thread-safe.
  [[nodiscard]] virtual std::int64_t now_us() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_us() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

// `delay` from now, 0 to 100 years: further away would overflow, and earlier is now.
inline std::int64_t after(std::int64_t now_us, std::chrono::milliseconds delay) {
  constexpr std::chrono::milliseconds kMost = std::chrono::hours(24 * 365 * 100);
  const auto kept = std::clamp(delay, std::chrono::milliseconds(0), kMost);
  return now_us + std::chrono::microseconds(kept).count();
}

inline std::chrono::system_clock::time_point time_of(std::int64_t us) {
  return std::chrono::system_clock::time_point{std::chrono::microseconds{us}};
}
inline std::int64_t us_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace gander
