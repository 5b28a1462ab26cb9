// manage/1: what an operator does to what is to come and to the dead, and the pause of a queue.
//
// A message that is ready lies in the log of a partition, where only the worker that owns it can
// say that it is done: to move, remove or purge one is UNSUPPORTED.
#pragma once

#include <gander/sdk/broker.hpp>

#include "inspect.h"
#include "producer.h"

namespace gander::kafka {

class Manager {
 public:
  Manager(Instance& instance, Log& log, Inspector& inspector);

  void pause(std::string_view queue, bool paused, const sdk::Deadline& deadline);
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                      const sdk::Deadline& deadline);
  void move(const gander_move_req& request, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const sdk::Deadline& deadline);

 private:
  using Kept = sdk::IdMap<sdk::OwnedMessage>;

  gander_status why_not(const gander_id& id, const sdk::Deadline& deadline);
  void move_one(const gander_move_req& request, const gander_message& m, bool dead,
                std::vector<Outgoing>& records, const sdk::Deadline& deadline);
  void write(std::vector<Outgoing>& records, const sdk::Deadline& deadline);

  Instance& instance_;
  Log& log_;
  Inspector& inspector_;
  Transactions transactions_;
};

// Deletes dead letters that are older than the options allow, or beyond their number; how many.
std::uint64_t trim_dead(Instance& instance, const sdk::Deadline& deadline);

}  // namespace gander::kafka
