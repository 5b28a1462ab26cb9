#include "delivery.h"

#include "text.h"

namespace gander {

Settlement Settlement::of(Delivery delivery, Outcome outcome) {
  Settlement s;
  const gander_message& m = *delivery.message;
  s.outcome = outcome;
  s.attempts = m.attempts;
  s.give_backs = m.give_backs;
  s.run_at_us = m.run_at_us;
  s.first_failed_at_us = m.first_failed_at_us;
  s.failed_at_us = m.failed_at_us;
  s.delivery = std::move(delivery);
  return s;
}

Settlement Settlement::give_back(Delivery delivery) {
  Settlement s = of(std::move(delivery), Outcome::give_back);
  ++s.give_backs;
  return s;
}

std::uint32_t Settlement::op() const {
  switch (outcome) {
    case Outcome::ack: return GANDER_SETTLE_ACK;
    case Outcome::retry: return GANDER_SETTLE_RETRY;
    case Outcome::dead: return GANDER_SETTLE_DEAD;
    case Outcome::give_back: return GANDER_SETTLE_GIVE_BACK;
    case Outcome::snooze: return GANDER_SETTLE_SNOOZE;
  }
  return GANDER_SETTLE_GIVE_BACK;
}

gander_message Settlement::successor() const {
  gander_message m = *delivery.message;
  m.attempts = attempts;
  m.give_backs = give_backs;
  m.run_at_us = run_at_us;
  m.first_failed_at_us = first_failed_at_us;
  m.failed_at_us = failed_at_us;
  if (!note.empty()) m.note = str(note);
  if (!queue.empty()) m.queue = str(queue);
  return m;
}

}  // namespace gander
