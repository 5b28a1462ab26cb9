// What this process has of its partitions: records that wait to be taken, and those handed out. It
// knows nothing of Kafka's protocol, and nothing of time. Guarded by its owner's mutex.
#pragma once

#include <array>
#include <deque>
#include <gander/sdk/broker.hpp>
#include <gander/sdk/message.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "names.h"
#include "offsets.h"

namespace gander::kafka {

struct Partition;

// A record in one of two places: waiting, or handed out.
struct Record {
  Partition* partition = nullptr;
  std::int64_t offset = 0;
  sdk::OwnedMessage message;
};

// One partition of a queue's topic.
struct Partition {
  std::string topic;
  std::int32_t number = 0;
  std::string queue;
  std::uint32_t priority = 0;
  Offsets offsets;
  std::int64_t end = 0;                   // of the log, when it was last heard of
  bool at_end = false;                    // all has arrived that there was
  std::int64_t expected = 0;              // the offset to arrive next
  std::unordered_set<std::int64_t> held;  // handed out
  std::deque<Record> blocked;             // what waits for room in the metadata, in its order
  bool owned = true;                      // false while a rebalance has not said whose it is
  bool dirty = false;                     // what is committed is older than `offsets`
  bool careful = false;                   // see Stock::commit_first
  bool cut_off = false;                   // see Stock::begin_anew
  std::int64_t committed = 0;             // the base of the last commit
  std::int64_t trimmed = 0;               // what lies before is deleted
};

struct Delivery : Record {
  std::string incarnation;
};

class Stock {
 public:
  // More than this many records, or bytes of them, of one priority are not kept waiting.
  static constexpr std::size_t kMostRecords = 8192;
  static constexpr std::size_t kMostBytes = 4U << 20U;

  explicit Stock(std::uint64_t first_receipt) : receipt_(first_receipt) {}

  // ---- partitions
  // Owned from now on. Of one that was ours before, what was handed out then is handed out no more.
  Partition& assign(Partition made);
  // Nothing of them is handed out any more; what was, can still be settled until forget_parked().
  void park_all();
  // Those that did not come back are another's: settles of them are LEASE_LOST.
  void forget_parked();
  [[nodiscard]] Partition* owned(std::string_view topic, std::int32_t number);
  [[nodiscard]] Partition* parked(std::string_view topic, std::int32_t number);
  template <class Function>
  void each_owned(Function&& function) {
    for (auto& [name, partition] : partitions_)
      if (partition->owned) function(*partition);
  }

  // Its log is shorter than what was committed of it: another log, or one that lost its end. What
  // is known of its offsets is of records that are no more; nothing arrives until it is assigned
  // anew, and read from its begin. Returns it as it is then.
  Partition& begin_anew(Partition& partition);

  // ---- arriving
  // False: it is done, or handed out already. Throws CORRUPT when `value` is no message; then the
  // record is passed over.
  bool arrive(Partition& partition, std::int64_t offset, std::string_view value);
  [[nodiscard]] bool any(std::string_view queue) const;
  [[nodiscard]] bool waits(std::string_view queue, std::uint32_t priority) const;
  [[nodiscard]] bool full(std::string_view queue, std::uint32_t priority) const;

  // ---- taking and settling
  void take(const gander_take& take, std::uint64_t max_bytes, const std::string& incarnation,
            sdk::Batch& batch);
  // The delivery that a settle is about; null when it is not this incarnation's any more.
  Delivery* find(const gander_message& m, std::string_view incarnation);
  // It was settled for good. Returns its queue when something of it was blocked and is to be taken
  // now, else null.
  const std::string* finish(const Delivery& delivery);
  // To the front of its queue, as `m` says it is now.
  void give_back(const Delivery& delivery, const gander_message& m);
  // Of what was handed out last.
  [[nodiscard]] std::uint64_t last_receipt() const { return receipt_; }
  // So many that were handed out after this receipt never left: to the front, as they were.
  void take_back(std::uint64_t after, std::size_t count);
  // Everything handed out to one incarnation, to the front, as a give-back or a crash. How many,
  // and `queues` hears of their queues.
  std::size_t give_back_all(std::string_view incarnation, Offsets::Counts more,
                            std::vector<std::string>& queues);
  // Whether more of a queue was asked for than there was. Its partitions' commits are to say so.
  void note_idle(std::string_view queue, bool idle);
  [[nodiscard]] bool is_idle(std::string_view queue) const { return idle_.contains(queue); }
  // Removes from what waits the last ones, at most so many and, but for the first, of so many
  // bytes; put_back() puts one back.
  std::vector<Record> remove_last(std::string_view queue, std::uint32_t priority, std::size_t most,
                                  std::size_t most_bytes);
  // Removes from what waits those of a partition with these offsets.
  void withhold(Partition& partition, const Ranges& offsets, std::vector<Record>& removed);
  void put_back(Record record);
  [[nodiscard]] bool holds_any() const { return !deliveries_.empty(); }
  void pause(std::string_view queue, bool paused);

  // Something was handed out that no commit knows of; somebody was settled likewise.
  bool handed_out = false, changed = false;
  // It is of a partition whose last owner died, perhaps of the first that he took: a commit is to
  // know of it before anybody runs it, or a job that kills its worker at once counts no crash,
  // ever.
  bool commit_first = false;

 private:
  struct Lane {
    std::deque<Record> waiting;
    std::set<Partition*> full;  // those with blocked records
    std::size_t blocked = 0;    // how many
    std::size_t bytes = 0;      // of both
  };
  using Key = std::pair<std::string, std::int32_t>;
  struct Less {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.second != b.second ? a.second < b.second
                                  : std::string_view(a.first) < std::string_view(b.first);
    }
  };

  Lane& lane(std::string_view queue, std::uint32_t priority) { return lanes_[queue][priority]; }
  static Partition* roomy(const Lane& lane);
  static const Record* next(Lane& lane);
  static Record remove(Lane& lane, const Record* found);
  static void block(Lane& lane, Record record);
  void to_front(Record record);
  void hand_out(Record record, const std::string& incarnation, sdk::Batch& batch);

  std::uint64_t receipt_;
  std::set<std::string, std::less<>> paused_, idle_;
  std::map<Key, std::unique_ptr<Partition>, Less> partitions_;
  sdk::NameMap<std::array<Lane, kPriorities>> lanes_;
  std::unordered_map<std::uint64_t, Delivery> deliveries_;  // by receipt
};

}  // namespace gander::kafka
