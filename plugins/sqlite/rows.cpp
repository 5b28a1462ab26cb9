#include "rows.h"

namespace gander::sqlite {

gander_message read_message(const Rows& rows, Queues& queues) {
  gander_message m{};
  const std::string_view id = rows.text(1);
  std::memcpy(m.id.bytes, id.data(), std::min(id.size(), sizeof m.id.bytes));
  m.queue = sdk::str(queues.name(rows.integer(2)));
  m.priority = rows.small(3);
  m.flags = rows.small(4);
  m.enqueued_at_us = rows.integer(5);
  m.run_at_us = rows.integer(6);
  m.first_failed_at_us = rows.integer(7);
  m.failed_at_us = rows.integer(8);
  m.attempts = rows.small(9);
  m.crashes = rows.small(10);
  m.give_backs = rows.small(11);
  m.note = sdk::str(rows.text(12));
  m.body = sdk::bytes(rows.text(13));
  return m;
}

}  // namespace gander::sqlite
