// Whether a queue is paused. The type of an exchange says it, as a type is kept as safely as all
// metadata, and is read by the very call that makes what was never there: direct, the queue runs;
// fanout, it is paused.
//
// A worker listens under a key of the queue before it consumes from it, and looks at the state
// after; when it finds it paused it lets go of the queue, and then of the key. So whoever has
// paused a queue tells it under that key until nobody listens: then nobody takes. (To count
// consumers would not do: one that is cancelled counts as long as it has deliveries.)
#pragma once

#include <string>

#include "client.h"
#include "names.h"

namespace gander::rabbitmq {

// Before the name of a queue in what its workers are told: it was deleted, and is made again at
// once. (No queue's name begins so.)
inline constexpr std::string_view kMadeAnew = "/";

bool is_paused(Client& client, const Names& names, std::string_view queue, TimePoint until);
// Idempotent.
void write_paused(Client& client, const Names& names, std::string_view queue, bool paused,
                  TimePoint until);

}  // namespace gander::rabbitmq
