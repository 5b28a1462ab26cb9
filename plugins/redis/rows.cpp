#include "rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace gander::redis {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

constexpr std::uint8_t kVersion = 1;

enum Present : std::uint8_t {
  kAttempts = 1,
  kFlags = 2,
  kRunAt = 4,
  kFirstFailedAt = 8,
  kFailedAt = 16,
  kNote = 32
};

template <class Number>
void put(std::string& out, Number value) {
  std::array<char, sizeof value> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  out.append(bytes.data(), bytes.size());
}

// Takes parts off the front of what was stored.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view take(std::size_t n) {
    if (n > rest_.size())
      throw sdk::Error(GANDER_CORRUPT,
                       "a stored message is cut short: something else writes to these keys");
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

}  // namespace

void write_message(const gander_message& m, std::string_view queue, std::string& out) {
  std::uint8_t present = 0;
  const auto mark = [&present](bool is, Present bit) {
    if (is) present = static_cast<std::uint8_t>(present | bit);
  };
  mark(m.attempts != 0, kAttempts);
  mark(m.flags != 0, kFlags);
  mark(m.run_at_us != 0, kRunAt);
  mark(m.first_failed_at_us != 0, kFirstFailedAt);
  mark(m.failed_at_us != 0, kFailedAt);
  mark(m.note.len != 0, kNote);
  const std::string_view note = sdk::view(m.note).substr(0, UINT16_MAX);
  out.reserve(out.size() + kFixedBytes + queue.size() + 40 + note.size() + m.body.len);
  put(out, kVersion);
  put(out, static_cast<std::uint8_t>(m.priority));
  put(out, present);
  put(out, static_cast<std::uint8_t>(queue.size()));
  out += view(m.id);
  put(out, m.crashes);
  put(out, m.give_backs);
  put(out, static_cast<std::uint32_t>(m.body.len));
  put(out, m.enqueued_at_us);
  out += queue;
  if ((present & kAttempts) != 0) put(out, m.attempts);
  if ((present & kFlags) != 0) put(out, m.flags);
  if ((present & kRunAt) != 0) put(out, m.run_at_us);
  if ((present & kFirstFailedAt) != 0) put(out, m.first_failed_at_us);
  if ((present & kFailedAt) != 0) put(out, m.failed_at_us);
  if ((present & kNote) != 0) {
    put(out, static_cast<std::uint16_t>(note.size()));
    out += note;
  }
  out += sdk::view(m.body);
}

gander_message read_message(std::string_view bytes) {
  Reader from(bytes);
  gander_message m{};
  const auto version = from.number<std::uint8_t>();
  if (version != kVersion)
    throw sdk::Error(GANDER_CORRUPT,
                     "a stored message is of version " + std::to_string(version) +
                         ", this plugin reads " + std::to_string(kVersion) +
                         ": update the plugin, or something else writes to these keys");
  m.priority = from.number<std::uint8_t>();
  const auto present = from.number<std::uint8_t>();
  const auto queue_bytes = from.number<std::uint8_t>();
  m.id = id_of(from.take(sizeof m.id.bytes));
  m.crashes = from.number<std::uint32_t>();
  m.give_backs = from.number<std::uint32_t>();
  const auto body_bytes = from.number<std::uint32_t>();
  m.enqueued_at_us = from.number<std::int64_t>();
  m.queue = sdk::str(from.take(queue_bytes));
  if ((present & kAttempts) != 0) m.attempts = from.number<std::uint32_t>();
  if ((present & kFlags) != 0) m.flags = from.number<std::uint32_t>();
  if ((present & kRunAt) != 0) m.run_at_us = from.number<std::int64_t>();
  if ((present & kFirstFailedAt) != 0) m.first_failed_at_us = from.number<std::int64_t>();
  if ((present & kFailedAt) != 0) m.failed_at_us = from.number<std::int64_t>();
  if ((present & kNote) != 0) m.note = sdk::str(from.take(from.number<std::uint16_t>()));
  m.body = sdk::bytes(from.take(body_bytes));
  return m;
}

bool is_message(std::string_view bytes) {
  try {
    read_message(bytes);
    return true;
  } catch (const sdk::Error&) {
    return false;
  }
}

gander_id id_of(std::string_view bytes) {
  gander_id id{};
  std::memcpy(id.bytes, bytes.data(), std::min(bytes.size(), sizeof id.bytes));
  return id;
}

}  // namespace gander::redis
