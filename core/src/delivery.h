// One message in a worker's hands, and what becomes of it.
#pragma once

#include <gander/retry.h>

#include <memory>
#include <string>

#include "broker_handle.h"

namespace gander {

struct Delivery {
  std::shared_ptr<TakenBatch> batch;  // keeps `message` alive
  const gander_message* message = nullptr;
  std::uint64_t life =
      0;  // the incarnation it is leased to: of an older one, its settlement has no effect
};

// How a delivery ended. The counters and times are the successor's; an empty note or queue means
// unchanged.
struct Settlement {
  Delivery delivery;
  Outcome outcome = Outcome::ack;
  std::uint32_t attempts = 0;
  std::uint32_t give_backs = 0;
  std::int64_t run_at_us = 0;
  std::int64_t first_failed_at_us = 0;
  std::int64_t failed_at_us = 0;
  std::string note;
  std::string queue;

  static Settlement of(Delivery delivery, Outcome outcome);
  // To the front, unharmed: nothing but give_backs moves.
  static Settlement give_back(Delivery delivery);
  // GANDER_SETTLE_...
  [[nodiscard]] std::uint32_t op() const;
  // The successor for the ABI; valid while *this and the delivery live.
  [[nodiscard]] gander_message successor() const;
};

}  // namespace gander
