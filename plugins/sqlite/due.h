// Messages that wait for an instant.
#pragma once

#include "rows.h"

namespace gander::sqlite {

class Due {
 public:
  explicit Due(Connection& connection);

  // When the next one of a queue falls due, 0 if none waits.
  std::int64_t next(std::int64_t queue);
  // The first queue after `queue` in which something waits, 0 if there is none.
  std::int64_t next_queue(std::int64_t queue);
  // Moves up to `limit` that are due at `now_us` to the front of their queue, the earliest first.
  // Inside a write transaction; returns how many.
  std::int64_t promote(std::int64_t queue, std::int64_t now_us, std::int64_t limit,
                       Counter& counter);

 private:
  struct Row {
    std::int64_t seq;
    std::uint32_t priority;
  };
  Statement next_, next_queue_, select_, update_;
  ReadyList ready_;
  std::vector<Row> rows_;
};

}  // namespace gander::sqlite
