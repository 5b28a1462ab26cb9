// Enqueue: one script call for a batch, whatever queues and priorities are in it.
#pragma once

#include "connection.h"

namespace gander::redis {

class Enqueuer {
 public:
  Enqueuer(Instance& instance, const sdk::Deadline& deadline)
      : instance_(instance), connection_(instance, deadline) {}

  // A verdict for each: OK or DUPLICATE; TOO_LARGE was settled before.
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);

 private:
  void encode(sdk::Messages messages);
  void wait_for_replicas();

  Instance& instance_;
  Connection connection_;
  std::string bytes_;                // of all messages of a call, reused
  std::vector<std::size_t> starts_;  // where each begins in it, and where the last ends
};

}  // namespace gander::redis
