// Enqueue: one statement, one commit, for a whole batch.
#pragma once

#include <atomic>

#include "bell.h"
#include "rows.h"

namespace gander::postgres {

// Whether enqueues of the instance are likely to be repeated: the answer to one was lost not long
// ago. Whoever repeats it does so on another session. [any]
class Doubt {
 public:
  void raise() noexcept { until_.store((Clock::now() + kLasts).time_since_epoch()); }
  [[nodiscard]] bool raised() const noexcept {
    return Clock::now().time_since_epoch() < until_.load();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kLasts{60};
  std::atomic<Clock::duration> until_{Clock::duration::min()};
};

class Enqueuer {
 public:
  Enqueuer(Connection& connection, Bell& bell, Doubt& doubt);
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);

 private:
  // What the hot statement can store: the messages of one lane, with nothing but id and body.
  [[nodiscard]] bool plain(sdk::Messages messages, const sdk::Deadline& deadline);
  void store_plain(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  void store_any(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  std::int32_t lane(const gander_message& m, const sdk::Deadline& deadline);
  void collect_ids(sdk::Messages messages);
  // The ids that were stored; those of `ids_` that turned out to be stored already into withdrawn_.
  Result store(Statement& statement, const Params& params, const sdk::Deadline& deadline);
  void mark_withdrawn(sdk::Messages messages, sdk::Verdicts verdicts);

  Connection& connection_;
  Bell& bell_;
  Doubt& doubt_;
  Queues queues_;
  Statement plain_near_, plain_far_, any_, withdraw_;
  std::vector<gander_id> withdrawn_;
  Array ids_{Type::uuid}, enqueued_{Type::int8}, bodies_{Type::bytes}, lanes_{Type::int4},
      tallies_{Type::int8}, more_{Type::bytes}, due_{Type::int8}, front_{Type::boolean};
};

}  // namespace gander::postgres
