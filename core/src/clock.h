// Time as a parameter: everything in core that asks what time it is asks one of these.
#pragma once

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

inline std::chrono::system_clock::time_point time_of(std::int64_t us) {
  return std::chrono::system_clock::time_point{std::chrono::microseconds{us}};
}
inline std::int64_t us_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace gander
