// Messages that wait for an instant.
#pragma once

#include "rows.h"

namespace gander::postgres {

class Due {
 public:
  explicit Due(Connection& connection);
  // Moves up to `limit` of each state that are due by the server's clock to the front of their
  // lanes, the earliest first, of one queue or (0) of all. How many; their queues into `*queues`.
  std::int64_t promote(std::int32_t queue, std::int64_t limit, std::vector<std::int32_t>* queues,
                       const sdk::Deadline& deadline);

 private:
  Connection& connection_;
  Statement of_queue_, of_all_;
};

}  // namespace gander::postgres
