// Enqueue: one statement, one commit, for a whole batch.
#pragma once

#include "bell.h"
#include "rows.h"

namespace gander::postgres {

class Enqueuer {
 public:
  Enqueuer(Connection& connection, Bell& bell);
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);

 private:
  // What the hot statement can store: the messages of one lane, with nothing but id and body.
  [[nodiscard]] bool plain(sdk::Messages messages, const sdk::Deadline& deadline);
  void store_plain(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  void store_any(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  std::int32_t lane(const gander_message& m, const sdk::Deadline& deadline);
  void collect_ids(sdk::Messages messages);

  Connection& connection_;
  Bell& bell_;
  Queues queues_;
  Statement plain_near_, plain_far_, any_;
  Array ids_{Type::uuid}, enqueued_{Type::int8}, bodies_{Type::bytes}, lanes_{Type::int4},
      tallies_{Type::int8}, more_{Type::bytes}, due_{Type::int8}, front_{Type::boolean};
};

}  // namespace gander::postgres
