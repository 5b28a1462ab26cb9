// What `jobs` and `dead` share: choosing messages by id or by pattern, and showing them.
#pragma once

#include <gander/admin.h>

#include <functional>
#include <string>
#include <vector>

#include "command.h"

namespace gander::cli {

// --state, or `otherwise`; throws UsageError.
State state_of(const Arguments& arguments, State otherwise);

// One page of messages in these states, with where to go on: --queue, --pattern, --limit, --after.
int list_messages(const Arguments& arguments, const std::vector<State>& states);

// Everything about one message. `only`: any other state counts as not found.
int show_message(const Arguments& arguments, std::optional<State> only);

// Does `act` to the messages named by id, or to all of `states` that fit --pattern and --queue.
// By pattern it needs --yes, or says how many fit. Prints "<verb> 3 messages"; 1 when one that was
// named was not there or is leased.
struct Change {
  std::string_view verb;  // "deleted"
  std::function<std::uint64_t(Admin&, const std::vector<Id>&)> act;
};
int change_messages(const Arguments& arguments, const std::vector<State>& states,
                    const Change& change);

// Deletes what is of one state in one queue, or in all where it is empty; needs --yes.
int purge(const Arguments& arguments, State state, const std::string& queue);

}  // namespace gander::cli
