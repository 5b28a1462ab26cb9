// What a CONSUME session knows of one queue: the server's consumers of each priority and of
// suspects, and what they were pushed. Not safe between threads.
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
#include <vector>

#include "names.h"

namespace gander::rabbitmq {

struct Subscription;

struct Level {
  struct Consumer {
    std::uint64_t number;  // and tag
    std::size_t prefetch;
  };
  [[nodiscard]] bool open() const { return !consumers.empty(); }
  // Of those that are there now, not of one that was cancelled.
  [[nodiscard]] bool has(std::uint64_t number) const {
    return open() && number >= consumers.front().number;
  }
  void add(std::uint64_t number, std::size_t prefetch_of_it);
  void clear();

  void note_pushed();
  [[nodiscard]] bool spent() const { return pushed >= prefetch; }
  // The server has said that so many are to be pushed; others may be quicker.
  void expect(std::size_t n, std::chrono::steady_clock::time_point until);
  [[nodiscard]] bool expects(std::chrono::steady_clock::time_point now) const;

  Subscription* queue = nullptr;
  bool alone = false;                 // that of suspects: one at a time
  std::string name;                   // of the server's queue
  std::vector<Consumer> consumers;    // as the prefetch of one never changes, more are added to it
  std::size_t prefetch = 0;           // of all of them
  std::size_t pushed = 0;             // by them, and not finished
  std::deque<std::uint64_t> waiting;  // tags, first come first
  bool ran_dry = false;               // they were spent, since the last of them was added
  bool behind = false;                // the server may have more than it was allowed to push

 private:
  std::size_t pushed_in_all_ = 0;
  std::size_t expected_ = 0;
  std::chrono::steady_clock::time_point expected_until_{};
};

struct Subscription {
  explicit Subscription(const Names& names, std::string_view queue);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  [[nodiscard]] bool any_waiting() const;
  // When what is here will be held back from others for nothing; max: not as it is now.
  [[nodiscard]] std::chrono::steady_clock::time_point idle_at() const;

  bool stands = false;  // its queues were seen, and not deleted since
  // While it is paused nothing is given to the host, and it has no consumers.
  bool paused = false;
  bool told = false;     // that this may have changed; it is to be looked up
  bool listens = false;  // to be told so
  bool takes = false;    // it has, or may have, consumers, and operators can tell
  std::chrono::steady_clock::time_point look_at{};

  std::string name;
  std::array<Level, kPriorities + 1> levels;  // in the order in which they are taken from
  std::size_t held = 0;                       // by the host
  std::chrono::steady_clock::time_point waiting_since{};  // of the one that waits longest
};

// How long a delivery waits for the host to fetch it. To give back sooner would be to cancel
// consumers more often, and what arrives in that very moment the server counts as if its worker had
// crashed.
inline constexpr std::chrono::milliseconds kHoldFor{1000};

// For a host that has room for so many.
std::size_t prefetch_for(std::size_t room);

}  // namespace gander::rabbitmq
