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
};

struct Subscription {
  explicit Subscription(const Names& names, std::string_view queue);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  [[nodiscard]] bool any_waiting() const;
  [[nodiscard]] bool any_consumer() const;
  // Whether what is here is held back from others for nothing.
  [[nodiscard]] bool idle(std::chrono::steady_clock::time_point now) const;

  std::string name;
  std::array<Level, kPriorities> levels;
  std::size_t held = 0;   // by the host
  bool satisfied = true;  // the last take got all that it asked for
  std::chrono::steady_clock::time_point last_take{};
};

// How long a delivery waits for the host to fetch it.
inline constexpr std::chrono::milliseconds kHoldFor{250};

// For a host that has room for so many.
std::size_t prefetch_for(std::size_t room);

}  // namespace gander::rabbitmq
