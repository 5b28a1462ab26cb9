// The bytes of one direction of a proxied connection: read, held for as long as asked, written.
#pragma once

#include <chrono>
#include <deque>
#include <string>

namespace gander::test {

using Clock = std::chrono::steady_clock;

class Flow {
 public:
  enum class Read { nothing, some, end, broken };

  Flow(int from, int to) : from_(from), to_(to) {}

  // Reads what is there; it is due `delay` from now, or is swallowed. An end is swallowed, too.
  Read read(std::chrono::milliseconds delay, bool swallow);
  // Swallows what is held.
  void forget();
  // Writes what is due; false when the receiver is gone.
  bool write(Clock::time_point now);

  [[nodiscard]] int from() const { return from_; }
  [[nodiscard]] int to() const { return to_; }
  // More would only fill memory: TCP holds the sender back then.
  [[nodiscard]] bool wants_read() const { return !ended_ && held_ < kMostHeld; }
  // Something is due and the receiver did not take it.
  [[nodiscard]] bool wants_write(Clock::time_point now) const;
  // When the next held byte falls due; max() if none is held.
  [[nodiscard]] Clock::time_point next_due() const;
  // The end was passed on: nothing more will come.
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] bool lossy() const { return lossy_; }  // bytes of it were swallowed

 private:
  static constexpr std::size_t kMostHeld = 16U << 20U;
  struct Chunk {
    Clock::time_point due;
    std::string bytes;
  };

  int from_, to_;
  std::deque<Chunk> chunks_;
  std::size_t held_ = 0;
  bool ended_ = false, over_ = false, lossy_ = false;
};

}  // namespace gander::test
