// What the group knows this process by. With the option 'member' that outlives the process: whoever
// joins by the name of another takes his partitions over at once, dead or alive, and nothing is
// shared out anew. Without it each process is somebody new. [any]
#pragma once

#include <cstdint>
#include <gander/sdk/broker.hpp>
#include <mutex>
#include <set>
#include <string>

#include "client.h"

namespace gander::kafka {

class Name {
 public:
  explicit Name(const Settings& settings) : settings_(settings) {}

  // group.instance.id; empty without a name. Whoever comes back with other queues is another: the
  // group does not share out anew for one that it knows, and nobody would have the new ones.
  [[nodiscard]] std::string in_group(sdk::Queues queues) const;

  // The group knows this member by that id, which it has made up, for now.
  void joined_as(const std::string& id);
  // Somebody else has joined by it.
  void lost();
  // Throws UNAVAILABLE while that one is there. So the first to come gives way for good: two that
  // were given one name by mistake would otherwise take it from each other for ever.
  void check(Client& client, const std::string& in_group, const sdk::Deadline& deadline);

 private:
  const Settings& settings_;
  std::mutex mutex_;
  bool lost_ = false;
  std::set<std::string> ids_;  // of this process
};

// What tells this from every other.
std::uint64_t new_token();
std::string text_of(std::uint64_t token);

}  // namespace gander::kafka
