// Of messages that are ready an operator may want some no more, or elsewhere. They lie in
// the log of a partition, and what is done there only its owner can say; and so it is with what is
// to come, which its owner may be making ready at that moment. So who wants it writes a
// request to <prefix>.state, which every worker reads. The one that it is meant for writes the
// answer, what comes in the place of each message, and the commit that says they are done, in one
// transaction. So an answer that can be read has happened; and a request that was not answered can
// be made again, to whoever owns the partition then.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "offsets.h"
#include "transaction.h"

namespace gander::kafka {

struct Removal {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t from = 0, to = 0;
  // Written if all of it was removed. Of one that is to come: under its id, if only a tombstone.
  std::optional<Outgoing> successor;
};

// Of one that is to come: the id it is under. Nothing of another.
std::optional<gander_id> id_of(const Removal& removal);

struct Removed {
  Ranges offsets;
  bool held = false;  // some are handed out, and stay
  bool full = false;  // nothing was done: the commit's metadata has no room for it
};

struct Request {
  std::string id;             // nobody else's
  std::string member;         // who is to serve it, by the id that the group gave it
  bool owned = true;          // by that one; else by nobody, and any member may settle for nobody
  std::int64_t until_us = 0;  // it is served later no more
  std::vector<Removal> removals;
};

// Keys of records in <prefix>.state. No queue's name begins with such a character.
std::string request_key(std::string_view id);
std::string answer_key(std::string_view id);
// The id of the request that a record of this key holds, or answers.
std::optional<std::string_view> request_of(std::string_view key);
std::optional<std::string_view> answered_by(std::string_view key);

std::string write_request(const Request& request);
// Nothing when it cannot be read.
std::optional<Request> read_request(std::string_view id, std::string_view value);
// For each removal, in their order.
std::string write_answer(const std::vector<Removed>& all);
std::optional<std::vector<Removed>> read_answer(std::string_view value);

// What is to be written for removals, beside the commits of their partitions, and what became of
// each. A successor is written for what was removed, and for nothing else.
struct Settlement {
  std::vector<Outgoing> records;
  std::vector<Removed> answer;

  // Takes it from `offsets`; held(offset) says what is handed out.
  template <class Held>
  const Removed& add(const Removal& removal, Offsets& offsets, Held&& held) {
    Removed& done = answer.emplace_back();
    done.offsets = offsets.removable(removal.from, removal.to, [&](std::int64_t offset) {
      const bool is_held = held(offset);
      done.held = done.held || is_held;
      return is_held;
    });
    if (done.offsets.empty()) return done;
    for (const auto& [from, to] : done.offsets)
      if (!offsets.can_remove(from, to)) return done = {{}, false, true};
    for (const auto& [from, to] : done.offsets) offsets.remove(from, to);
    if (removal.successor) records.push_back(*removal.successor);
    return done;
  }
  // Of a partition that nobody owns, by what its last owner committed.
  const Removed& add(const Removal& removal, Offsets& offsets) {
    return add(removal, offsets, [&](std::int64_t offset) { return offsets.is_held(offset); });
  }
  // Of one that is to come, and is there.
  const Removed& add_kept(const Removal& removal) {
    Removed& done = answer.emplace_back();
    done.offsets.add(removal.from, removal.to);
    records.push_back(*removal.successor);
    if (removal.successor->topic != removal.topic)
      records.push_back({removal.topic, removal.partition, removal.successor->key, std::nullopt});
    return done;
  }
  // To be read in `topic`, where the request was.
  void answer_to(const std::string& id, const std::string& topic) {
    records.push_back({topic, 0, answer_key(id), write_answer(answer)});
    records.push_back({topic, 0, request_key(id), std::nullopt});
  }
};

}  // namespace gander::kafka
