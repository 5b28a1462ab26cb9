// A gander_message as the bytes that Redis keeps, little-endian, version 1:
//
//   message  = version priority present queue-len id crashes give-backs body-len enqueued-at
//              queue [attempts] [flags] [run-at] [first-failed-at] [failed-at] [note-len note] body
//   version  = u8, 1            priority = u8             present = u8, a bit for each [field]
//   above, queue-len = u8              id = 16 bytes             lowest first crashes, give-backs,
//   body-len, attempts, flags = u32  note-len = u16 enqueued-at, run-at, first-failed-at, failed-at
//   = i64, Unix microseconds
//
// Scripts read and patch the part before `queue` in place, as it stands at fixed places: Lua counts
// from 1, so the id is bytes 5 to 20, crashes 21, give-backs 25, body-len 29, enqueued-at 33, queue
// 41. What is 0 or empty takes no room, as most of it is for most messages.
#pragma once

#include <gander/sdk/broker.hpp>
#include <string>
#include <string_view>

namespace gander::redis {

inline constexpr std::size_t kFixedBytes = 40;

// Appends the bytes of `m`, with `queue` as its queue, to `out`.
void write_message(const gander_message& m, std::string_view queue, std::string& out);

// What it points to is in `bytes`. Receipt and state are left 0. Throws CORRUPT when they are no
// message, or one of a newer version.
gander_message read_message(std::string_view bytes);

// Whether read_message() would not throw.
bool is_message(std::string_view bytes);

inline std::string_view view(const gander_id& id) {
  return {reinterpret_cast<const char*>(id.bytes), sizeof id.bytes};
}
// Of 16 bytes; what is shorter gives an id that nothing has.
gander_id id_of(std::string_view bytes);

}  // namespace gander::redis
