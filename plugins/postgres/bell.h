// Tells the workers of all processes that something may have become ready.
//
// After the commit, on a connection of its own: NOTIFY inside the transaction holds a lock of the
// whole server until the commit is on the disk, which halves what many producers can do. Not waited
// for. Arrivals in a queue that follow each other within kSparse are told once in kQuiet by each
// process; who listens looks as often by itself for so long after it was woken (wait.cpp), so that
// what falls into that time is found as soon.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <vector>

#include "connection.h"

namespace gander::postgres {

// The channel of a schema.
std::string channel_of(const std::string& schema);

class Bell {
 public:
  explicit Bell(const Settings& settings) : settings_(settings) {}

  // Connects, once for the instance; a failure only means that workers have to look. [any]
  void open(const sdk::Deadline& deadline) noexcept;
  void ring(std::int32_t queue) noexcept;
  void ring(const std::vector<std::int32_t>& queues) noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  struct Rung {
    Clock::time_point asked_at, sent_at;
  };

  void send(std::int32_t queue);

  const Settings& settings_;
  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;
  Clock::time_point retry_at_{};
  std::map<std::int32_t, Rung> rung_;
};

}  // namespace gander::postgres
