// What becomes of the deliveries of one exchange.
#pragma once

#include <gander/sdk/broker.hpp>
#include <set>
#include <string>

#include "instance.h"

namespace gander::kafka {

// Writes a verdict for each. Acks and give-backs move only what is in memory, and are committed
// soon; what needs a successor is settled in one transaction, first, as it is what can fail: then
// nothing was settled. `rung` hears of the queues where something may be taken now.
void settle(Instance& instance, Member& member, const std::string& incarnation,
            const sdk::Exchange& exchange, const sdk::Deadline& deadline,
            std::set<std::string>& rung);

}  // namespace gander::kafka
