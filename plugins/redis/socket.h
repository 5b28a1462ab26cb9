// One connection by hiredis that no call waits on beyond its time: connect, send, receive, each
// with the moment to give up at. One thread at a time. Failures are thrown as sdk::Error; after one
// that says RECONNECT the socket is of no more use.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "command.h"
#include "settings.h"

namespace gander::redis {

using TimePoint = std::chrono::steady_clock::time_point;

class Socket {
 public:
  // Connects to `at`, or to the Unix socket of the settings when they name one.
  Socket(const Settings& settings, const sdk::Endpoint& at, TimePoint until);

  // Sends the command and whatever was queued before it.
  void send(const Command& command, TimePoint until);
  // Sent with the next one, in one write.
  void queue(const Command& command);
  // The next reply. That of a server which is silent until the time is MAYBE_APPLIED: it may have
  // done what it was told.
  Reply receive(TimePoint until);
  // The next reply if all of it has arrived.
  std::optional<Reply> receive_now();

  // Reads what has arrived, without waiting.
  void read_some();

  [[nodiscard]] int fd() const { return context_->fd; }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  struct Free {
    void operator()(redisContext* c) const { redisFree(c); }
  };

  void wait_connected(TimePoint until);
  void keep_alive() const;
  void start_tls(TimePoint until);
  bool poll_for(short events, TimePoint until) const;
  [[noreturn]] void fail(const std::string& doing, std::uint32_t flags);

  const Settings& settings_;
  std::string where_;
  std::unique_ptr<redisContext, Free> context_;
  std::string out_;
  bool broken_ = false;
};

}  // namespace gander::redis
