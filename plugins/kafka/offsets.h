// What became of the records of one partition, as its owner keeps it, and as it stands in the
// metadata of the group's commit:
//
//        base            next
//   ------|===-==-===-----|----==-----
//   done  | some are done | untouched, but for what an operator removed
//
// `base` is the lowest offset that is not done, `next` the lowest that was never handed out.
// Between them a record is done, or handed out (it may be running), or was given back. A note
// remembers what a record cannot say of itself, as it never changes: crashes and give-backs counted
// since.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "ranges.h"

namespace gander::kafka {

class Offsets {
 public:
  struct Counts {
    std::uint32_t crashes = 0, give_backs = 0;
  };

  explicit Offsets(std::int64_t base = 0) : base_(base), next_(base) {}

  [[nodiscard]] std::int64_t base() const { return base_; }
  [[nodiscard]] std::int64_t next() const { return next_; }
  [[nodiscard]] bool is_done(std::int64_t offset) const {
    return offset < base_ || done_.contains(offset) || skipped_.contains(offset);
  }
  // Handed out, and neither done nor given back.
  [[nodiscard]] bool is_held(std::int64_t offset) const {
    return offset < next_ && !is_done(offset) && !back_.contains(offset);
  }
  [[nodiscard]] std::int64_t held() const;
  [[nodiscard]] std::int64_t done() const { return done_.total(); }  // of those from base() on
  [[nodiscard]] Counts counts(std::int64_t offset) const;

  void hand_out(std::int64_t offset);
  void give_back(std::int64_t offset, Counts more);
  void finish(std::int64_t offset) { remove(offset, offset + 1); }
  // All from `from` up to `to`, whether they were handed out or not.
  void remove(std::int64_t from, std::int64_t to);
  // All from `from` up to `to`, which holds no record: markers of transactions, compacted, deleted.
  // Whoever comes next finds that for himself: beyond next() it takes no room in the metadata.
  void skip(std::int64_t from, std::int64_t to);
  // Its owner is gone: what was handed out is given back. Returns how many.
  std::size_t give_back_all(Counts more);
  // What of [from, to) is neither done nor handed out; held(offset) is asked of what may be.
  template <class Held>
  [[nodiscard]] Ranges removable(std::int64_t from, std::int64_t to, Held&& held) const {
    Ranges found;
    const std::int64_t next = std::max(next_, from);
    done_.each_gap(std::max(from, base_), std::min(to, next_), [&](auto begin, auto end) {
      for (auto offset = begin; offset < end; ++offset)
        if (!held(offset)) found.add(offset, offset + 1);
    });
    done_.each_gap(next, to, [&](auto begin, auto end) { found.add(begin, end); });
    return found;
  }

  // Who committed last, and whether he left in order: else what he had handed out died with him.
  std::uint64_t owner = 0;
  bool left = true;
  // He takes more than there is. Others hand on to him what they cannot take themselves.
  bool idle = false;

  [[nodiscard]] std::string encode() const;
  // What encode() wrote when `base` was committed; nothing when it cannot be read.
  static std::optional<Offsets> decode(std::int64_t base, std::string_view text);
  // Whether another record may be handed out: what encode() writes must fit into the metadata, in
  // whatever order those are settled that were. One may always be of which nothing is handed out,
  // or nothing would ever be done that makes room.
  [[nodiscard]] bool has_room() const;
  // Whether these, of which removable() says that they are, may be removed. It leaves some room for
  // what is handed out.
  [[nodiscard]] bool can_remove(std::int64_t from, std::int64_t to) const;

 private:
  void advance();
  [[nodiscard]] std::size_t most_bytes() const;
  [[nodiscard]] std::string runs() const;
  [[nodiscard]] std::string bits() const;

  std::int64_t base_, next_;
  Ranges done_;                  // above base_
  Ranges skipped_;               // from next_ on, as far as they hold no record
  std::set<std::int64_t> back_;  // given back, and not handed out again
  std::map<std::int64_t, Counts> notes_;
};

}  // namespace gander::kafka
