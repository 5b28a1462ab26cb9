#include "queues.h"

namespace gander::postgres {

Queues::Queues(Connection& connection)
    : connection_(connection),
      by_name_(connection, "SELECT no FROM @queue WHERE name=$1::bytea"),
      by_no_(connection, "SELECT name FROM @queue WHERE no=$1::int"),
      add_(connection, "INSERT INTO @queue(name) VALUES($1::bytea) ON CONFLICT (name) DO NOTHING") {
}

std::int32_t Queues::find(std::string_view name, const sdk::Deadline& deadline) {
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  const Result found = connection_.run(by_name_, deadline, Params().add(name));
  return found.rows() == 0 ? 0 : remember(static_cast<std::int32_t>(found.integer(0, 0)), name);
}

// Looked for first, and after the insert again: only so is no number spent for a name that is
// there, or that somebody else has just added.
std::int32_t Queues::find_or_add(std::string_view name, const sdk::Deadline& deadline) {
  const std::int32_t no = find(name, deadline);
  if (no != 0) return no;
  connection_.run(add_, deadline, Params().add(name));
  return find(name, deadline);
}

std::string_view Queues::name(std::int32_t no, const sdk::Deadline& deadline) {
  const auto known = names_.find(no);
  if (known != names_.end()) return known->second;
  const Result found = connection_.run(by_no_, deadline, Params().add_int4(no));
  if (found.rows() == 0) return {};
  remember(no, found.bytes(0, 0));
  return names_.at(no);
}

std::int32_t Queues::remember(std::int32_t no, std::string_view name) {
  numbers_[name] = no;
  names_[no] = std::string(name);
  return no;
}

}  // namespace gander::postgres
