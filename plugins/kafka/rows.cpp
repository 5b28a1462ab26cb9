#include "rows.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace gander::kafka {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

constexpr std::uint8_t kVersion = 1;

enum Present : std::uint8_t {
  kAttempts = 1,
  kRunAt = 2,
  kFirstFailedAt = 4,
  kFailedAt = 8,
  kNote = 16,
  kQueue = 32
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
      throw sdk::Error(GANDER_CORRUPT, "a record is cut short, or something else wrote it");
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
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

std::uint8_t present_in(const gander_message& m, bool with_queue) {
  unsigned present = 0;
  if (m.attempts != 0) present |= kAttempts;
  if (m.run_at_us != 0) present |= kRunAt;
  if (m.first_failed_at_us != 0) present |= kFirstFailedAt;
  if (m.failed_at_us != 0) present |= kFailedAt;
  if (m.note.len != 0) present |= kNote;
  if (with_queue) present |= kQueue;
  return static_cast<std::uint8_t>(present);
}

}  // namespace

void write_message(const gander_message& m, bool with_queue, std::string& out) {
  const std::uint8_t present = present_in(m, with_queue);
  put(out, kVersion);
  put(out, static_cast<std::uint8_t>(m.priority));
  put(out, static_cast<std::uint8_t>(m.state));
  put(out, present);
  out.append(view(m.id));
  put(out, m.crashes);
  put(out, m.give_backs);
  put(out, m.enqueued_at_us);
  if ((present & kAttempts) != 0) put(out, m.attempts);
  if ((present & kRunAt) != 0) put(out, m.run_at_us);
  if ((present & kFirstFailedAt) != 0) put(out, m.first_failed_at_us);
  if ((present & kFailedAt) != 0) put(out, m.failed_at_us);
  if ((present & kNote) != 0) {
    const std::string_view note = sdk::view(m.note).substr(0, UINT16_MAX);
    put(out, static_cast<std::uint16_t>(note.size()));
    out.append(note);
  }
  if ((present & kQueue) != 0) {
    put(out, static_cast<std::uint8_t>(m.queue.len));
    out.append(sdk::view(m.queue));
  }
  out.append(sdk::view(m.body));
}

gander_message read_message(std::string_view value) {
  Reader in(value);
  if (in.number<std::uint8_t>() != kVersion)
    throw sdk::Error(GANDER_CORRUPT,
                     "a record is none of this version's; a newer gander wrote it, or another "
                     "program");
  gander_message m{};
  m.priority = in.number<std::uint8_t>();
  m.state = in.number<std::uint8_t>();
  const auto present = in.number<std::uint8_t>();
  std::memcpy(m.id.bytes, in.take(sizeof m.id.bytes).data(), sizeof m.id.bytes);
  m.crashes = in.number<std::uint32_t>();
  m.give_backs = in.number<std::uint32_t>();
  m.enqueued_at_us = in.number<std::int64_t>();
  if ((present & kAttempts) != 0) m.attempts = in.number<std::uint32_t>();
  if ((present & kRunAt) != 0) m.run_at_us = in.number<std::int64_t>();
  if ((present & kFirstFailedAt) != 0) m.first_failed_at_us = in.number<std::int64_t>();
  if ((present & kFailedAt) != 0) m.failed_at_us = in.number<std::int64_t>();
  if ((present & kNote) != 0) m.note = sdk::str(in.take(in.number<std::uint16_t>()));
  if ((present & kQueue) != 0) m.queue = sdk::str(in.take(in.number<std::uint8_t>()));
  m.body = sdk::bytes(in.rest());
  if (m.priority > GANDER_PRIORITY_LOW)
    throw sdk::Error(GANDER_CORRUPT, "a record has a priority that is none");
  return m;
}

}  // namespace gander::kafka
