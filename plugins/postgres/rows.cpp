#include "rows.h"

namespace gander::postgres {
namespace {

// run_at, first_failed_at, failed_at, attempts, flags.
constexpr std::size_t kMoreHeader = 32;

}  // namespace

bool is_fresh(const gander_message& m) {
  return m.run_at_us == 0 && m.first_failed_at_us == 0 && m.failed_at_us == 0 && m.attempts == 0 &&
         m.flags == 0 && m.note.len == 0;
}

void add_tally(Array& to, const gander_message& m) {
  if (tally_of(m) == 0)
    to.add_null();
  else
    to.add_int8(tally_of(m));
}

void add_more(Array& array, const gander_message& m) {
  if (is_fresh(m)) return array.add_null();
  std::string to;
  append_int8(to, m.run_at_us);
  append_int8(to, m.first_failed_at_us);
  append_int8(to, m.failed_at_us);
  append_int4(to, m.attempts);
  append_int4(to, m.flags);
  to += sdk::view(m.note);
  array.add(to);
}

gander_message read_message(const Result& from, int row, std::string_view queue) {
  gander_message m{};
  m.id = from.id(row, kId);
  m.queue = sdk::str(queue);
  m.priority = priority_of(static_cast<std::int32_t>(from.integer(row, kLane)));
  m.enqueued_at_us = from.integer(row, kEnqueuedAt);
  const auto tally = static_cast<std::uint64_t>(from.integer(row, kTally));
  m.crashes = static_cast<std::uint32_t>(tally >> 32U);
  m.give_backs = static_cast<std::uint32_t>(tally);
  m.body = sdk::bytes(from.bytes(row, kBody));
  const std::string_view more = from.bytes(row, kMore);
  if (more.size() < kMoreHeader) return m;
  m.run_at_us = read_int8(more);
  m.first_failed_at_us = read_int8(more.substr(8));
  m.failed_at_us = read_int8(more.substr(16));
  m.attempts = read_int4(more.substr(24));
  m.flags = read_int4(more.substr(28));
  m.note = sdk::str(more.substr(kMoreHeader));
  return m;
}

}  // namespace gander::postgres
