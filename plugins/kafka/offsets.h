// What became of the records of one partition, as its owner keeps it, and as it stands in the
// metadata of the group's commit:
//
//        base            next
//   ------|===-==-===-----|-----------
//   done  | some are done | untouched
//
// `base` is the lowest offset that is not done, `next` the lowest that was never handed out.
// Between them a record is done, or handed out (it may be running), or was given back. A note
// remembers what a record cannot say of itself, as it never changes: crashes and give-backs counted
// since.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace gander::kafka {

class Offsets {
 public:
  struct Counts {
    std::uint32_t crashes = 0, give_backs = 0;
  };

  explicit Offsets(std::int64_t base = 0) : base_(base), next_(base) {}

  [[nodiscard]] std::int64_t base() const { return base_; }
  [[nodiscard]] std::int64_t next() const { return next_; }
  [[nodiscard]] bool is_done(std::int64_t offset) const;
  // Handed out, and neither done nor given back.
  [[nodiscard]] bool is_held(std::int64_t offset) const {
    return offset < next_ && !is_done(offset) && !back_.contains(offset);
  }
  [[nodiscard]] std::int64_t held() const;
  [[nodiscard]] std::int64_t done() const;  // of those from base() on
  [[nodiscard]] Counts counts(std::int64_t offset) const;

  void hand_out(std::int64_t offset);
  void give_back(std::int64_t offset, Counts more);
  void finish(std::int64_t offset);
  // All from `from` up to `to`, which holds no record: markers of transactions, compacted, deleted.
  void skip(std::int64_t from, std::int64_t to);
  // Its owner is gone: what was handed out is given back. Returns how many.
  std::size_t give_back_all(Counts more);

  // Who committed last, and whether he left in order: else what he had handed out died with him.
  std::uint64_t owner = 0;
  bool left = true;

  [[nodiscard]] std::string encode() const;
  // What encode() wrote when `base` was committed; nothing when it cannot be read.
  static std::optional<Offsets> decode(std::int64_t base, std::string_view text);
  // Whether another record may be handed out: what encode() writes must fit into the metadata, in
  // whatever order those are settled that were.
  [[nodiscard]] bool has_room() const;

 private:
  void set(std::int64_t offset);
  void advance();
  [[nodiscard]] std::string runs() const;
  [[nodiscard]] std::string bits() const;

  std::int64_t base_, next_;
  std::deque<bool> done_;  // of base_ and what follows; beyond its end nothing is done
  std::size_t done_count_ = 0;
  std::set<std::int64_t> back_;  // given back, and not handed out again
  std::map<std::int64_t, Counts> notes_;
};

}  // namespace gander::kafka
