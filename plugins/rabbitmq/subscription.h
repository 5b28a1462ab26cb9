// What a CONSUME session knows of one queue: a consumer of the server's for each priority, and what
// they were pushed. Not safe between threads.
//
// The server pushes up to a prefetch, and what it pushed to one worker no other can have. So the
// prefetch is what the host has room for, as its takes tell; and what it does not fetch all the
// same goes back, and the consumers with it, until it asks again.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "names.h"

namespace gander::rabbitmq {

struct Subscription;

struct Level {
  Subscription* queue = nullptr;
  std::uint32_t priority = 0;
  std::string name;                   // of the server's queue
  std::uint64_t consumer = 0;         // its number, and tag; 0: there is none
  std::size_t prefetch = 0;           // of that consumer
  std::size_t pushed = 0;             // by that consumer, and not finished
  std::deque<std::uint64_t> waiting;  // tags, first come first

  [[nodiscard]] bool spent() const { return pushed >= prefetch; }

  // The server has said that so many are to be pushed by this consumer; others may be quicker.
  void expect(std::size_t n, std::chrono::steady_clock::time_point until) {
    expected = n;
    expected_until = until;
  }
  [[nodiscard]] bool expects(std::chrono::steady_clock::time_point now) const {
    return pushed_in_all < expected && now < expected_until;
  }
  std::size_t pushed_in_all = 0;  // by that consumer
  std::size_t expected = 0;
  std::chrono::steady_clock::time_point expected_until{};
};

struct Subscription {
  explicit Subscription(const Names& names, std::string_view queue);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  [[nodiscard]] bool any_waiting() const;
  // When what is here will be held back from others for nothing; max: not as it is now.
  [[nodiscard]] std::chrono::steady_clock::time_point idle_at() const;

  std::string name;
  std::array<Level, kPriorities> levels;
  std::size_t held = 0;                                   // by the host
  std::chrono::steady_clock::time_point waiting_since{};  // of the one that waits longest
};

// How long a delivery waits for the host to fetch it. To give back sooner would be to cancel
// consumers more often, and what arrives in that very moment the server counts as if its worker had
// crashed.
inline constexpr std::chrono::milliseconds kHoldFor{1000};

// For a host that has room for so many.
std::size_t prefetch_for(std::size_t room);

}  // namespace gander::rabbitmq
