// A gander_message to and from the columns that hold it.
#pragma once

#include "queues.h"

namespace gander::postgres {

// What read_message() expects, in its order. `ready` and `inflight` have them all.
inline constexpr const char* kMessageColumns = "seq, enqueued_at, lane, id, tally, more, body";
enum Column { kSeq, kEnqueuedAt, kLane, kId, kTally, kMore, kBody, kMessageColumnCount };

// crashes*2^32 + give_backs: what SQL has to count, in one column that is NULL while it is 0.
inline constexpr const char* kOneCrash = "coalesce(tally, 0) + 4294967296";
inline constexpr const char* kOneGiveBack = "coalesce(tally, 0) + 1";
// The server's clock, in microseconds since 1970.
inline constexpr const char* kNow =
    "(extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint";

inline std::int64_t tally_of(const gander_message& m) {
  return static_cast<std::int64_t>(std::uint64_t{m.crashes} << 32U | m.give_backs);
}
// Whether `more` is NULL: the message has no flag and no note, did not fail, and is to run at once.
bool is_fresh(const gander_message& m);

// The two columns that are NULL for a message that has nothing to say there.
void add_tally(Array& to, const gander_message& m);
void add_more(Array& to, const gander_message& m);

// What it points to is valid as long as the result and the queues. Receipt and state are left 0.
gander_message read_message(const Result& from, int row, std::string_view queue);

}  // namespace gander::postgres
