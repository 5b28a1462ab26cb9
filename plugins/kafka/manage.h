// manage/1: what an operator does to messages, and the pause of a queue.
//
// What is dead is kept under its id, and changed by whoever asks. What is ready or to come lies in
// a partition, and is changed by who owns that: see removal.h.
#pragma once

#include <gander/sdk/broker.hpp>

#include "ask.h"
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
  // What is to be written in the place of a message that is in that state now; nothing: none.
  using SuccessorOf =
      std::function<std::optional<Outgoing>(const gander_message&, std::uint32_t state)>;

  Outgoing moved(const gander_move_req& request, const gander_message& from, std::uint32_t state,
                 const sdk::Deadline& deadline);
  void change(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const SuccessorOf& successor_of, const sdk::Deadline& deadline);
  void change_ready(std::span<const gander_id> ids, const std::vector<std::size_t>& places,
                    sdk::Verdicts verdicts, const SuccessorOf& successor_of,
                    const sdk::Deadline& deadline);
  std::uint64_t purge_ready(std::string_view queue, std::int64_t before_us,
                            const sdk::Deadline& deadline);
  void write(std::vector<Outgoing>& records, const sdk::Deadline& deadline);

  Instance& instance_;
  Log& log_;
  Inspector& inspector_;
  Transactions transactions_;
  Asker asker_;
};

// How far the dead letters have been read. All of them must be before any is dropped: of one id
// the last of its partition counts, and a tombstone for an older one would drop it.
struct DeadRead {
  std::map<std::int32_t, std::int64_t> next;                 // of each partition
  std::map<std::int32_t, sdk::IdMap<std::int64_t>> died_us;  // by the partition of the record
  bool all = false;
};

// Deletes dead letters that are older than the options allow, or beyond their number; how many. Of
// more than there is time to read the next call with the same `read` goes on where this one ended.
std::uint64_t trim_dead(Instance& instance, DeadRead& read, const sdk::Deadline& deadline);

}  // namespace gander::kafka
