// Settle and take: one trip to the server, one transaction.
#pragma once

#include <tuple>
#include <unordered_map>

#include "bell.h"
#include "due.h"
#include "rows.h"

namespace gander::postgres {

// Brings verdicts to the server: those that end a message, and those with a successor.
class Settler {
 public:
  Settler(Connection& connection, std::int32_t worker);
  // Reads the request; throws INVALID_ARGUMENT before anything was changed. May ask the server for
  // the numbers of queues.
  void prepare(const sdk::Exchange& exchange, Queues& queues, const sdk::Deadline& deadline);
  void send(Trip& trip);
  // Takes the results that send() asked for off `results`, from `*at` on, and writes the verdicts.
  void conclude(const std::vector<Result>& results, std::size_t* at, sdk::Verdicts verdicts);
  // The queues in which something became ready.
  [[nodiscard]] const std::vector<std::int32_t>& woken() const { return woken_; }

 private:
  void find_repeated(sdk::Settles settles);
  void add_ack(const gander_message& m, std::size_t place);
  void add_successor(const gander_settle& s, std::size_t place, std::int32_t queue);

  std::int32_t worker_;
  Statement ack_, replace_;
  Array ack_ids_{Type::uuid}, ack_seqs_{Type::int8};
  Array ids_{Type::uuid}, seqs_{Type::int8}, ops_{Type::int4}, enqueued_{Type::int8},
      bodies_{Type::bytes}, queues_{Type::int4}, priorities_{Type::int4}, tallies_{Type::int8},
      more_{Type::bytes}, times_{Type::int8};
  std::vector<std::size_t> ack_places_, places_;
  std::vector<std::int64_t> acked_;
  std::vector<std::pair<std::int64_t, std::size_t>> seen_;
  std::vector<std::size_t> repeated_;  // places of second verdicts for one delivery, in order
  std::vector<std::int32_t> woken_;
};

// Leases messages to one incarnation.
class Taker {
 public:
  Taker(Connection& connection, std::int32_t worker);
  void prepare(const sdk::Exchange& exchange, Queues& queues, const sdk::Deadline& deadline);
  [[nodiscard]] bool wants() const { return !asked_.empty(); }
  void send(Trip& trip);
  // Null when nothing came.
  std::unique_ptr<sdk::Batch> receive(const Result& rows, Queues& queues,
                                      const sdk::Deadline& deadline);
  // Whether the host would take more than so many.
  [[nodiscard]] bool has_room(std::size_t taken) const;
  [[nodiscard]] const std::vector<std::int32_t>& queues() const { return asked_; }
  // From now on a message that this incarnation holds already is not taken a second time.
  void guard() { guarded_ = true; }

 private:
  // Where to begin looking in a lane, so that no claim walks over the dead rows of all before it.
  struct Hint {
    std::int64_t above = 0;
    std::chrono::steady_clock::time_point look_at{};  // when to begin at the very start again
    bool looking = false;
  };
  void put_hints();
  void learn(std::chrono::steady_clock::duration took, bool nothing);

  std::int32_t worker_;
  Statement take_, take_guarded_;
  bool guarded_ = false;
  std::vector<std::int32_t> asked_;
  std::vector<std::uint32_t> most_;
  std::int64_t max_bytes_ = 0;
  std::chrono::steady_clock::time_point sent_{};
  std::unordered_map<std::int32_t, Hint> hints_;
  Array queues_{Type::int4}, mosts_{Type::int8}, above_{Type::int8};
  std::vector<std::tuple<std::ptrdiff_t, std::int32_t, std::int64_t, int>> place_;
};

// What a CONSUME session does, on a connection of its own.
class Exchanger {
 public:
  Exchanger(Connection& connection, Bell& bell, std::int32_t worker);
  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline);

 private:
  sdk::Taken once(const sdk::Exchange& exchange, bool settles, const sdk::Deadline& deadline);
  void send_tail(Trip& trip);
  void read_tail(const Result& tail);

  Connection& connection_;
  Bell& bell_;
  std::int32_t worker_;
  Queues queues_;
  Settler settler_;
  Taker taker_;
  Due due_;
  Statement tail_;
  Array asked_{Type::int4};
  bool came_full_ = false;
  bool due_now_ = false;
  std::int64_t next_due_us_ = 0;
  std::chrono::steady_clock::time_point asked_at_{};
};

}  // namespace gander::postgres
