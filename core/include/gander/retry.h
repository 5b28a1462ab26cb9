// gander/retry.h -- what becomes of a failure. Pure decisions, no effects.
#pragma once

#include <gander/context.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace gander {

// One failure, as the hooks are told it.
struct Failure {
  const Context& context;
  std::string_view error;
  int failures;                     // with this one
  bool will_retry;                  // false: this was the last, it dies
  std::chrono::milliseconds delay;  // until the retry
};

// How a job's failures are treated. What the message carries (Client::retries() and its kin) comes
// first, then what its handler was registered with, then the worker's.
struct RetryPolicy {
  int max_retries =
      27;  // runs = 1 + max_retries, about three weeks by the default delay; 0: dies at once
  std::function<std::chrono::milliseconds(int failures)> delay;  // empty: default_retry_delay
  std::string queue;       // retries go here; empty: where it was
  bool skip_dead = false;  // when retries are spent: drop it, do not keep it as a dead letter
  // Called once per failure, and at a death that a run led to (retries spent, Discard, arguments
  // that do not fit); what they throw is logged and changes nothing.
  std::function<void(const Failure&)> on_error;
  std::function<void(const Failure&)> on_death;
};

// 20 + random(0..20) x (n + 1) + n^4 seconds, n = failures - 1: Goose's formula. `random` is in [0,
// 1).
std::chrono::milliseconds default_retry_delay(int failures, double random);

// What becomes of one delivery.
enum class Outcome { ack, retry, dead, give_back, snooze };

// What to do with a run that failed for the `failures`-th time. A delay function that throws or
// answers with less than zero counts as the default.
struct Decision {
  Outcome outcome;
  std::chrono::milliseconds delay{0};
};
Decision decide(const RetryPolicy& policy, int failures, double random);

}  // namespace gander
