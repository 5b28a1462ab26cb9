// Queue names and their numbers. Belongs to one connection.
#pragma once

#include <gander/sdk/message.hpp>
#include <string>
#include <unordered_map>

#include "connection.h"

namespace gander::postgres {

inline std::int32_t lane_of(std::int32_t queue, std::uint32_t priority) {
  return queue * 4 + static_cast<std::int32_t>(priority);
}
inline std::int32_t queue_of(std::int32_t lane) { return lane / 4; }
inline std::uint32_t priority_of(std::int32_t lane) { return static_cast<std::uint32_t>(lane % 4); }

class Queues {
 public:
  explicit Queues(Connection& connection);

  // Whether find() needs not ask.
  [[nodiscard]] bool knows(std::string_view name) const { return numbers_.count(name) != 0; }
  // The number of a queue, 0 when there is none of that name.
  std::int32_t find(std::string_view name, const sdk::Deadline& deadline);
  // The same, but a new name is given a number, at once and for good.
  std::int32_t find_or_add(std::string_view name, const sdk::Deadline& deadline);
  // Valid as long as this.
  std::string_view name(std::int32_t no, const sdk::Deadline& deadline);

 private:
  std::int32_t remember(std::int32_t no, std::string_view name);

  Connection& connection_;
  Statement by_name_, by_no_, add_;
  // Never forgotten, as a number is never given to another name.
  sdk::NameMap<std::int32_t> numbers_;
  std::unordered_map<std::int32_t, std::string> names_;
};

}  // namespace gander::postgres
