// A gander_message to and from its row.
#pragma once

#include "queues.h"

namespace gander::sqlite {

// The columns that read_message() expects, in its order.
inline constexpr const char* kMessageColumns =
    "m.seq, m.id, m.queue, m.prio, m.flags, m.enqueued_at, m.run_at, m.first_failed_at, "
    "m.failed_at, m.attempts, m.crashes, m.give_backs, m.note, m.body";
inline constexpr int kMessageColumnCount = 14;

// What it points to is valid until the rows go on. Receipt and state are left 0.
gander_message read_message(const Rows& rows, Queues& queues);

// Makes a message, whose row exists and is in no state, ready at `pos`.
class ReadyList {
 public:
  explicit ReadyList(Connection& connection)
      : add_(connection, "INSERT INTO ready(queue, prio, pos, seq) VALUES(?1, ?2, ?3, ?4)") {}
  void add(std::int64_t queue, std::uint32_t priority, std::int64_t pos, std::int64_t seq) {
    add_.run(queue, priority, pos, seq);
  }

 private:
  Statement add_;
};

// What is stored while a message is in a state: the columns `due` and `died`.
inline constexpr int kStateReady = GANDER_STATE_READY;  // or leased

}  // namespace gander::sqlite
