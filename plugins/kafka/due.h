// Messages that are to come: what this process owns of the compacted topic <prefix>.sched, in
// memory and in order. A record is a message under its id, a tombstone says that it is no more.
// Neither says anything of another partition: once the topic has been given more of them, a message
// that is to come again lies elsewhere than its tombstone, and the two are read in any order.
// Guarded by its owner's mutex.
#pragma once

#include <cstring>
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
  // Of a record: the id it is under, and where it lies.
  struct Place {
    gander_id id{};
    std::int32_t partition = 0;
    std::int64_t offset = 0;
  };
  struct Entry {
    std::int64_t due_us = 0;  // run_at_us, or later when it was postponed
    std::int64_t offset = 0;
    std::int32_t partition = 0;
    sdk::OwnedMessage message;

    [[nodiscard]] Place place() const { return {message.id, partition, offset}; }
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
  // Whether it is the newest of its id in its partition; else the next two do nothing.
  [[nodiscard]] bool has(const Place& place) const;
  void erase(const Place& place);
  // Nothing of a queue is due until then.
  void hold_back(std::string_view queue, std::int64_t until_us);
  // The message is not due until then.
  void postpone(const Place& place, std::int64_t until_us);
  // When the next one falls due, of one queue or of all; 0: none.
  [[nodiscard]] std::int64_t next(std::string_view queue) const;
  [[nodiscard]] std::int64_t next() const;

 private:
  struct Part {
    std::int64_t position = -1;
    bool owned = false, read = false;
    sdk::IdMap<Entry> entries;
  };
  // With its time beside it: to look into each entry for that takes a fifth more for a million.
  using Timed = std::pair<std::int64_t, const Entry*>;
  struct Before {
    bool operator()(const Timed& a, const Timed& b) const {
      if (a.first != b.first) return a.first < b.first;
      const Entry &x = *a.second, &y = *b.second;
      const int by_id = std::memcmp(x.message.id.bytes, y.message.id.bytes, sizeof x.message.id);
      return by_id != 0 ? by_id < 0 : x.partition < y.partition;
    }
  };
  using Order = std::set<Timed, Before>;
  void put_in_order(const Entry& entry);
  void take_out_of_order(const Entry& entry);
  // The first of them is due.
  [[nodiscard]] std::int64_t when(std::string_view queue, const Order& order) const;
  [[nodiscard]] const Entry* next_readable(Order::const_iterator& at, const Order& order,
                                           std::int64_t now_us) const;

  std::map<std::int32_t, Part> parts_;
  sdk::NameMap<Order> order_;             // of each queue
  sdk::NameMap<std::int64_t> held_back_;  // until when
  std::string turn_;                      // the queue that gave first last time
};

}  // namespace gander::kafka
