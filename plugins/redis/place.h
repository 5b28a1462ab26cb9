// Where a message is, by its id: for operators, who ask seldom. What is to come and what is dead is
// found at once; what is ready, by reading through the lists, a window at a time, so that no call
// holds up the server.
#pragma once

#include <gander/sdk/message.hpp>
#include <optional>

#include "connection.h"

namespace gander::redis {

struct Place {
  std::uint32_t state = 0;  // GANDER_STATE_...
  std::string queue;
  std::string bytes;  // the message as it is stored
  std::string list;   // READY: which list, and where in it from its left end
  std::int64_t index = 0;
};

class Finder {
 public:
  Finder(Instance& instance, Connection& connection)
      : instance_(instance), connection_(connection) {}

  // A place for each id; none for what is not stored.
  std::vector<std::optional<Place>> find(std::span<const gander_id> ids);
  // Names of all queues that hold a message or are paused, in order.
  std::vector<std::string> queue_names();
  // Of all that have deliveries, the living and those that are handed on.
  std::vector<std::string> incarnations();

 private:
  using Wanted = sdk::IdMap<std::size_t>;  // id -> its place in the answer
  using Found = std::vector<std::optional<Place>>;

  void forget_unknown(Wanted& wanted);
  void look_in_hashes(Wanted& wanted, const std::vector<std::string>& names, Found& found);
  void look_in_held(Wanted& wanted, Found& found);
  void look_in_list(Wanted& wanted, const std::string& queue, const std::string& list,
                    Found& found);
  void look_in_hash(const std::string& key, std::uint32_t state, const std::string& queue,
                    Wanted& wanted, Found& found);

  Instance& instance_;
  Connection& connection_;
};

// Which of the two sets of times it is in: SCHEDULED or RETRY, as the bytes do not say.
std::uint32_t later_state(Connection& connection, const QueueKeys& queue, const gander_id& id);

}  // namespace gander::redis
