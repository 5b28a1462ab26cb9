// gander/sdk/message_bytes.hpp -- a message as bytes, for a broker that keeps it as one value.
// C++20, header-only; nothing here keeps anything, so all of it is safe between threads.
//
//   message = version priority present queue-len id crashes give-backs body-len enqueued-at
//             queue [attempts] [flags] [run-at] [first-failed-at] [failed-at] [note-len note]
//             [state] body
//
//   u8        version (1), priority, queue-len, state
//             present: a bit for each [field] in that order, the lowest first
//   u16       note-len
//   u32       crashes, give-backs, body-len, attempts, flags
//   i64       enqueued-at, run-at, first-failed-at, failed-at: Unix microseconds
//   16 bytes  id
//
// Numbers are little-endian. What stands before `queue` stands at fixed places, so that a script in
// a server can read and patch it: from 0, the id at 4, crashes at 20, give-backs at 24, body-len at
// 28, enqueued-at at 32, queue at 40. What is 0 or empty takes no room, as most of it is for most
// messages.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <gander/sdk/message.hpp>

namespace gander::sdk {

inline constexpr std::size_t kMessageFixedBytes = 40;

namespace detail {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

inline constexpr std::uint8_t kMessageVersion = 1;

enum MessagePart : unsigned {
  kPartAttempts = 1,
  kPartFlags = 2,
  kPartRunAt = 4,
  kPartFirstFailedAt = 8,
  kPartFailedAt = 16,
  kPartNote = 32,
  kPartState = 64
};

inline std::uint8_t parts_of(const gander_message& m, std::uint32_t state) noexcept {
  unsigned parts = 0;
  if (m.attempts != 0) parts |= kPartAttempts;
  if (m.flags != 0) parts |= kPartFlags;
  if (m.run_at_us != 0) parts |= kPartRunAt;
  if (m.first_failed_at_us != 0) parts |= kPartFirstFailedAt;
  if (m.failed_at_us != 0) parts |= kPartFailedAt;
  if (m.note.len != 0) parts |= kPartNote;
  if (state != 0) parts |= kPartState;
  return static_cast<std::uint8_t>(parts);
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, sizeof value> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  out.append(bytes.data(), bytes.size());
}

// Takes parts off the front of what was stored.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) noexcept : rest_(bytes) {}

  std::string_view take(std::size_t n) {
    if (n > rest_.size())
      throw Error(GANDER_CORRUPT, "a stored message is cut short, or something else wrote it");
    const std::string_view part = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return part;
  }
  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

 private:
  std::string_view rest_;
};

}  // namespace detail

// Appends the bytes of `m` to `out`, with `queue` and `state` for its own: what the place where it
// is kept tells already need not be repeated, and is "" and 0. Receipt is left out; a note is cut
// at 65535 bytes, and a queue's name has at most 200. Throws std::bad_alloc.
inline void write_message(const gander_message& m, std::string_view queue, std::uint32_t state,
                          std::string& out) {
  using namespace detail;
  const unsigned parts = parts_of(m, state);
  const std::string_view note = view(m.note).substr(0, UINT16_MAX);
  out.reserve(out.size() + kMessageFixedBytes + queue.size() + 40 + note.size() + m.body.len);
  append_number(out, kMessageVersion);
  append_number(out, static_cast<std::uint8_t>(m.priority));
  append_number(out, static_cast<std::uint8_t>(parts));
  append_number(out, static_cast<std::uint8_t>(queue.size()));
  out += view(m.id);
  append_number(out, m.crashes);
  append_number(out, m.give_backs);
  append_number(out, static_cast<std::uint32_t>(m.body.len));
  append_number(out, m.enqueued_at_us);
  out += queue;
  if ((parts & kPartAttempts) != 0) append_number(out, m.attempts);
  if ((parts & kPartFlags) != 0) append_number(out, m.flags);
  if ((parts & kPartRunAt) != 0) append_number(out, m.run_at_us);
  if ((parts & kPartFirstFailedAt) != 0) append_number(out, m.first_failed_at_us);
  if ((parts & kPartFailedAt) != 0) append_number(out, m.failed_at_us);
  if ((parts & kPartNote) != 0) {
    append_number(out, static_cast<std::uint16_t>(note.size()));
    out += note;
  }
  if ((parts & kPartState) != 0) append_number(out, static_cast<std::uint8_t>(state));
  out += view(m.body);
}

// What it points to is in `bytes`; the receipt is 0. Throws CORRUPT when they are no message, or
// one of a newer version.
inline gander_message read_message(std::string_view bytes) {
  using namespace detail;
  MessageReader from(bytes);
  gander_message m{};
  const auto version = from.number<std::uint8_t>();
  if (version != kMessageVersion)
    throw Error(GANDER_CORRUPT, "a stored message is of version " + std::to_string(version) +
                                    ", this plugin reads " + std::to_string(kMessageVersion) +
                                    ": update the plugin, or something else wrote it");
  m.priority = from.number<std::uint8_t>();
  if (m.priority > GANDER_PRIORITY_LOW)
    throw Error(GANDER_CORRUPT,
                "a stored message has a priority that is none, or something else "
                "wrote it");
  const unsigned parts = from.number<std::uint8_t>();
  const auto queue_bytes = from.number<std::uint8_t>();
  std::memcpy(m.id.bytes, from.take(sizeof m.id.bytes).data(), sizeof m.id.bytes);
  m.crashes = from.number<std::uint32_t>();
  m.give_backs = from.number<std::uint32_t>();
  const auto body_bytes = from.number<std::uint32_t>();
  m.enqueued_at_us = from.number<std::int64_t>();
  m.queue = str(from.take(queue_bytes));
  if ((parts & kPartAttempts) != 0) m.attempts = from.number<std::uint32_t>();
  if ((parts & kPartFlags) != 0) m.flags = from.number<std::uint32_t>();
  if ((parts & kPartRunAt) != 0) m.run_at_us = from.number<std::int64_t>();
  if ((parts & kPartFirstFailedAt) != 0) m.first_failed_at_us = from.number<std::int64_t>();
  if ((parts & kPartFailedAt) != 0) m.failed_at_us = from.number<std::int64_t>();
  if ((parts & kPartNote) != 0) m.note = str(from.take(from.number<std::uint16_t>()));
  if ((parts & kPartState) != 0) m.state = from.number<std::uint8_t>();
  m.body = gander::sdk::bytes(from.take(body_bytes));
  return m;
}

// The same, and nothing where that throws.
inline std::optional<gander_message> find_message(std::string_view bytes) {
  try {
    return read_message(bytes);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace gander::sdk
