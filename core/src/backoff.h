// Pauses between tries: doubling from first to most, each drawn at random from its upper half so
// that many processes do not come back in step.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace gander {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
      : first_(first), most_(most), now_(first) {}

  std::chrono::milliseconds next() {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto pause = now_;
    now_ = std::min(now_ * 2, most_);
    ++tries_;
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(pause.count() / 2, pause.count())(random));
  }
  void reset() {
    now_ = first_;
    tries_ = 0;
  }
  [[nodiscard]] int tries() const { return tries_; }

 private:
  std::chrono::milliseconds first_, most_, now_;
  int tries_ = 0;
};

}  // namespace gander
