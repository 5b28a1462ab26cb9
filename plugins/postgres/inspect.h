// inspect/1: look without touching, page by page, so that no statement takes long however many
// messages there are.
#pragma once

#include <map>

#include "rows.h"

namespace gander::postgres {

class Inspector {
 public:
  Inspector(Connection& connection, Queues& queues) : connection_(connection), queues_(queues) {}

  void queues(const sdk::QueueVisitor& visit, const sdk::Deadline& deadline);
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit,
                const sdk::Deadline& deadline);
  void get(const gander_id& id, const sdk::MessageVisitor& visit, const sdk::Deadline& deadline);

 private:
  Connection& connection_;
  Queues& queues_;
};

// How many messages of each queue are in each state, and what is longest ready; in one view of all
// tables. What the deadline leaves no time for is -1.
using Counts = std::map<std::int32_t, gander_queue_stat>;
Counts count_all(Connection& connection, const sdk::Deadline& deadline);

}  // namespace gander::postgres
