// Incarnations: their begin, their end, and what becomes of what they held.
//
// An incarnation is in `live` with the end of its lease, or in `gone` while its deliveries are
// handed on, or ended. It leaves `live` in one step, and from then on no verdict of it counts; so
// handing on can take its time and be done by anyone, in parts, again and again.
#pragma once

#include "connection.h"

namespace gander::redis {

// Why the deliveries come back: also the counter that moves, and where it is in a stored message.
enum class Cause { crashed, closed };

class Leases {
 public:
  Leases(Instance& instance, Connection& connection)
      : instance_(instance), connection_(connection) {}

  // Throws INVALID_STATE when it lives, or did.
  void begin(std::string_view incarnation);
  // The incarnation's own good end.
  void end(std::string_view incarnation);

  struct Others {
    std::vector<std::string> expired;  // still live, past the end of their lease
    std::vector<std::string> gone;     // with deliveries to hand on
    bool alone;                        // nobody else is live
  };
  // Renews the lease and looks around. Throws LEASE_LOST.
  Others renew(std::string_view incarnation);
  // True when it was live, and over; `anyway`: not over is no matter.
  bool retire(std::string_view incarnation, bool anyway);
  // To the front of their queues, as far as the time of the call goes; returns how many.
  std::uint64_t hand_on(std::string_view incarnation, Cause cause);

 private:
  void set_aside(std::string_view incarnation, std::span<const std::string_view> fields);
  std::uint64_t hand_on_page(std::string_view incarnation, Cause cause, std::string& cursor);

  Instance& instance_;
  Connection& connection_;
};

}  // namespace gander::redis
