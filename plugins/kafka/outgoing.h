// What is written for a message, wherever it goes.
#pragma once

#include "names.h"
#include "transaction.h"

namespace gander::kafka {

// Into the topic of its queue and priority.
Outgoing ready_record(const Names& names, const gander_message& m);
// Under its id in a compacted topic, in the state that it says; and that it is there no more, where
// it was.
Outgoing kept_record(const std::string& topic, const gander_message& m);
Outgoing tombstone(const std::string& topic, const gander_id& id, std::int32_t partition);

}  // namespace gander::kafka
