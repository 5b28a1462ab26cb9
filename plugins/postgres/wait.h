// Waiting for an arrival: LISTEN, and now and then a look.
#pragma once

#include <atomic>
#include <optional>
#include <set>

#include "rows.h"

namespace gander::postgres {

class Waiter {
 public:
  // `queues`: those that will be waited for, so that no wait has to ask for their numbers.
  Waiter(std::unique_ptr<Connection> connection, sdk::Queues queues, const sdk::Deadline& deadline);
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  sdk::Waited wait(sdk::Queues queues, const sdk::Deadline& deadline);
  void interrupt() noexcept;  // [any]

 private:
  using Clock = std::chrono::steady_clock;

  void resolve(sdk::Queues queues, const sdk::Deadline& deadline);
  void hear();
  bool heard_one();
  void begin_look();
  void end_look();
  bool seen_one();
  void sleep(Clock::time_point until);

  std::unique_ptr<Connection> connection_;
  Queues queues_;
  Statement look_;
  sdk::Deadline no_limit_{nullptr};
  std::optional<Trip> looking_;  // a look outlives the wait that began it
  Clock::time_point began_look_{};
  int bell_;  // an eventfd, by which interrupt() ends a sleep
  std::atomic<bool> interrupted_{false};
  std::vector<std::int32_t> asked_;
  std::set<std::int32_t> heard_;  // queues that were rung for, and not waited for yet
  Array list_{Type::int4};
  Clock::duration rest_;
  Clock::time_point heard_at_{};
  Clock::time_point look_at_;
};

}  // namespace gander::postgres
