// Messages that are to come: what this process owns of the compacted topic <prefix>.sched, in
// memory and in order. A record is a message under its id, a tombstone says that it is no more.
// Guarded by its owner's mutex.
#pragma once

#include <gander/sdk/broker.hpp>
#include <gander/sdk/message.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gander::kafka {

class Due {
 public:
  struct Entry {
    std::int32_t partition = 0;
    std::int64_t due_us = 0;  // run_at_us, or later when it was postponed
    sdk::OwnedMessage message;
  };

  // ---- partitions. Where to read on: -1 from the beginning.
  std::int64_t assign(std::int32_t partition);
  void park_all();
  void forget_parked();

  // ---- reading
  void arrive(std::int32_t partition, std::int64_t offset, std::string_view key,
              const gander_message* message);
  // Everything up to `offset` has been read, so nothing that has been promoted is still here.
  void reached_end(std::int32_t partition, std::int64_t offset);
  // Nothing is due until the end has been reached again.
  void distrust();
  [[nodiscard]] std::vector<std::int32_t> partitions() const;  // owned
  [[nodiscard]] std::int64_t position(std::int32_t partition) const;
  // Whether it is owned, and everything of it had been read up to there.
  [[nodiscard]] bool has_read(std::int32_t partition, std::int64_t to) const;

  // ---- promoting
  // Queues of which something is due.
  [[nodiscard]] std::vector<std::string> queues(std::int64_t now_us) const;
  // At most so many that are due, or so many bytes and the one that exceeds them. One queue after
  // another gives one, in the order in which they fell due; the next call begins with the next
  // queue, so that none waits for what is due of another.
  [[nodiscard]] std::vector<const Entry*> due(std::int64_t now_us, std::size_t most,
                                              std::size_t most_bytes);
  [[nodiscard]] bool has(const gander_id& id, std::int32_t partition) const;
  void erase(const gander_id& id);
  // Nothing of a queue is due until then.
  void hold_back(std::string_view queue, std::int64_t until_us);
  // The message is not due until then.
  void postpone(const gander_id& id, std::int64_t until_us);
  // When the next one falls due, of one queue or of all; 0: none.
  [[nodiscard]] std::int64_t next(std::string_view queue) const;
  [[nodiscard]] std::int64_t next() const;

 private:
  struct Part {
    std::int64_t position = -1;
    bool owned = false, read = false;
  };
  struct Before {
    bool operator()(const std::pair<std::int64_t, gander_id>& a,
                    const std::pair<std::int64_t, gander_id>& b) const {
      if (a.first != b.first) return a.first < b.first;
      return std::memcmp(a.second.bytes, b.second.bytes, sizeof a.second.bytes) < 0;
    }
  };
  using Order = std::set<std::pair<std::int64_t, gander_id>, Before>;
  // The first of them is due.
  [[nodiscard]] std::int64_t when(std::string_view queue, const Order& order) const;
  [[nodiscard]] const Entry* next_readable(Order::const_iterator& at, const Order& order,
                                           std::int64_t now_us) const;

  std::map<std::int32_t, Part> parts_;
  sdk::IdMap<Entry> entries_;
  sdk::NameMap<Order> order_;             // of each queue
  sdk::NameMap<std::int64_t> held_back_;  // until when
  std::string turn_;                      // the queue that gave first last time
};

}  // namespace gander::kafka
