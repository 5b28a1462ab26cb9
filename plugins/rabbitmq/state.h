// Whether a queue is paused. The type of an exchange says it, as a type is kept as safely as all
// metadata, and is read by the very call that makes what was never there: direct, the queue runs;
// fanout, it is paused. Whoever pauses it then tells the workers, and waits until none consumes.
#pragma once

#include <string>

#include "client.h"
#include "names.h"

namespace gander::rabbitmq {

bool is_paused(Client& client, const Names& names, std::string_view queue, TimePoint until);
// Idempotent.
void write_paused(Client& client, const Names& names, std::string_view queue, bool paused,
                  TimePoint until);

}  // namespace gander::rabbitmq
