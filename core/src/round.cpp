#include "round.h"

namespace gander {

void Round::clear() {
  settlements.clear();
  takes.clear();
  successors.clear();
  settles.clear();
  out = {};
}

void Round::encode() {
  successors.reserve(settlements.size());
  for (const Settlement& s : settlements) {
    const gander_message* successor = s.delivery.message;
    if (s.outcome != Outcome::ack) {
      successors.push_back(s.successor());
      successor = &successors.back();
    }
    settles.push_back({successor, s.delivery.message->queue, s.op(), 0});
  }
  verdicts.resize(settles.size());
}

}  // namespace gander
