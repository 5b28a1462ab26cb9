// Settle and take, in one write transaction.
#pragma once

#include "due.h"
#include "rows.h"

namespace gander::sqlite {

// The verdicts of one incarnation, brought into the tables. Inside a write transaction.
class Settler {
 public:
  explicit Settler(Connection& connection);
  // Writes a verdict for each; returns whether a message became ready. Throws INVALID_ARGUMENT
  // before anything was changed.
  bool settle(std::int64_t incarnation, const sdk::Exchange& exchange, std::int64_t now_us,
              Queues& queues, Counter& counter);

 private:
  gander_status ack(const gander_message& m);
  gander_status replace(const gander_settle& s, std::int64_t now_us, Queues& queues);
  bool end_lease(std::int64_t incarnation, const gander_message& m);
  void restore_lease(std::int64_t incarnation, const gander_message& m);

  Statement end_lease_, restore_lease_, delete_, update_, queue_of_;
  ReadyList ready_;
  std::int64_t front_ = 0;  // the place of the next one that goes to the front
  bool made_ready_ = false;
};

// Leases messages to one incarnation. Inside a write transaction.
class Taker {
 public:
  explicit Taker(Connection& connection);
  [[nodiscard]] bool any_ready(std::int64_t queue);
  void take(std::int64_t queue, std::uint32_t max_messages, std::uint64_t max_bytes,
            std::int64_t incarnation, std::int64_t fence, Queues& queues, sdk::Batch& batch);

 private:
  struct Run {
    std::uint32_t priority;
    std::int64_t last;
  };
  Statement any_, select_, lease_, unready_;
  std::vector<Run> runs_;
};

// What a CONSUME session does, on a connection of its own.
class Exchanger {
 public:
  Exchanger(Connection& connection, Gate& gate, sdk::Host host, std::int64_t incarnation);
  // `*woke` says whether others should look: something became ready.
  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline, bool* woke);

 private:
  void require_incarnation();
  bool resolve(const sdk::Exchange& exchange);
  bool anything_to_take(std::int64_t now_us);
  std::int64_t promote(std::int64_t now_us);
  std::unique_ptr<sdk::Batch> take(const sdk::Exchange& exchange);
  std::int64_t next_due();

  Connection& connection_;
  Gate& gate_;
  sdk::Host host_;
  std::int64_t incarnation_;
  std::int64_t fence_ = 0;
  Queues queues_;
  Counter counter_;
  Due due_;
  Settler settler_;
  Taker taker_;
  Statement alive_;
  std::vector<std::int64_t> asked_;  // the number of each take's queue, 0 for none there
};

}  // namespace gander::sqlite
