// A gander_message as the value of a Kafka record, little-endian, version 1:
//
//   value    = version priority state present id crashes give-backs enqueued-at
//              [attempts] [run-at] [first-failed-at] [failed-at] [note-len note] [queue-len queue]
//              body
//   version  = u8, 1       priority, state = u8    present = u8, a bit for each [field], lowest
//   first id       = 16 bytes    crashes, give-backs, attempts = u32    note-len = u16    queue-len
//   = u8 enqueued-at, run-at, first-failed-at, failed-at = i64, Unix microseconds
//
// In a topic of one queue the queue's name is not repeated, unless the topic's name is a hash of
// it.
#pragma once

#include <gander/sdk/broker.hpp>
#include <string>
#include <string_view>

namespace gander::kafka {

// Appends the value for `m` to `out`.
void write_message(const gander_message& m, bool with_queue, std::string& out);

// What it points to is in `value`; the queue is empty where it is not there. Throws CORRUPT when it
// is no message, or one of a newer version.
gander_message read_message(std::string_view value);

inline std::string_view view(const gander_id& id) {
  return {reinterpret_cast<const char*>(id.bytes), sizeof id.bytes};
}

}  // namespace gander::kafka
