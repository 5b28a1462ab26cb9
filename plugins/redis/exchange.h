// Settle and take: what a CONSUME session does, in one script call.
#pragma once

#include "lease.h"

namespace gander::redis {

// The deliveries that this session has handed out, by a number in the receipt. The server fences a
// verdict by incarnation and id; this fences it by the taking, too, so that a verdict on an earlier
// one of the same message is late.
class Held {
 public:
  void add(gander_message& delivery);
  // A new call: of the verdicts on one delivery in it, the first counts.
  void begin_call() { ++call_; }
  bool claim(const gander_message& delivery);
  void remove(const gander_message& delivery);

 private:
  struct Slot {
    gander_id id;
    std::uint64_t taking = 0;   // 0: free
    std::uint64_t claimed = 0;  // the last call that settled it
  };
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> free_;
  std::uint64_t takings_ = 0;
  std::uint64_t call_ = 0;

  [[nodiscard]] bool has(const gander_message& delivery) const;
};

class Exchanger {
 public:
  Exchanger(Instance& instance, Connection& connection, std::string_view incarnation);
  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline);

 private:
  void plan(const sdk::Exchange& exchange);
  std::size_t queue_no(std::string_view name);
  void add_settles(ScriptCall& script, const sdk::Exchange& exchange);
  void add_takes(ScriptCall& script, const sdk::Exchange& exchange);
  void read_verdicts(const ReplyView& late, const sdk::Exchange& exchange);
  std::unique_ptr<sdk::Batch> read_taken(const ReplyView& taken);

  Instance& instance_;
  Connection& connection_;
  std::string incarnation_, held_key_;
  Held held_;
  std::vector<QueueKeys> queues_;               // of this call
  std::vector<std::size_t> acks_, successors_;  // places of the settles that count
};

}  // namespace gander::redis
