#include <gander/retry.h>

#include <cmath>

namespace gander {

std::chrono::milliseconds default_retry_delay(int failures, double random) {
  const double n = std::max(0, failures - 1);
  const double seconds = 20 + random * 20 * (n + 1) + std::pow(n, 4);
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

Decision decide(const RetryPolicy& policy, int failures, double random) {
  if (failures > policy.max_retries) {
    return {policy.skip_dead ? Outcome::ack : Outcome::dead};
  }
  std::chrono::milliseconds delay{-1};
  if (policy.delay) {
    try {
      delay = policy.delay(failures);
    } catch (...) {
      delay = std::chrono::milliseconds{-1};  // a broken delay function must not lose the retry
    }
  }
  if (delay.count() < 0) delay = default_retry_delay(failures, random);
  return {Outcome::retry, delay};
}

}  // namespace gander
