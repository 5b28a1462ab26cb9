// Reads a queue that workers do not consume from, and leaves in it what it does not drop. AMQP has
// no way to look: what is read is consumed, held unacknowledged, and put back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connection.h"
#include "instance.h"

namespace gander::rabbitmq {

// The connection of an ADMIN session, made again when it was lost. Not safe between threads.
class Browser final : public Connection::Listener {
 public:
  // False: it is to see no more of this queue.
  using Visitor = std::function<bool(const Event& delivery)>;

  // Throws as Client does.
  Browser(Instance& instance, TimePoint until);
  ~Browser() override;
  // One round trip.
  void ping(TimePoint until);

 private:
  friend class Visit;

  void on_event(const Event& event) override;
  void on_lost(const std::string& /*why*/) noexcept override {}
  TimePoint chores(TimePoint /*now*/) override { return TimePoint::max(); }
  Connection& connected(TimePoint until);

  Instance& instance_;
  std::unique_ptr<Connection> connection_;
  // In turn of the connection.
  const Visitor* visitor_ = nullptr;
  std::size_t seen_ = 0;  // of the queue that is read now
  std::uint64_t last_tag_ = 0;
};

// The largest prefetch that there is.
inline constexpr std::size_t kMostAhead = 0xFFFF;

// While it lives no other operator reads: to two at once each would seem to lack what the other
// holds.
class Visit {
 public:
  // Waits for the other until then, and throws UNAVAILABLE, RETRYABLE.
  Visit(Browser& browser, TimePoint until);
  // Puts back what was read, if that was not done.
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  [[nodiscard]] Client& client() { return browser_.connection_->client(); }
  [[nodiscard]] TimePoint until() const { return until_; }

  // Shows all that lies in the queue. One that is not there is empty. Throws TIMEOUT, having shown
  // some.
  // `ahead`: how many are taken out at first, by who may stop soon.
  void read(const std::string& queue, const Browser::Visitor& visitor,
            std::size_t ahead = kMostAhead);
  // One that was read, for good. Also within a visitor.
  void drop(std::uint64_t tag);
  // All that was read and not dropped; it is there for others when this returns.
  void put_back();

 private:
  struct Part {
    std::string queue;
    std::uint64_t first_tag;
    std::size_t kept;
  };
  void enter();
  void add_consumer(const std::string& queue, std::size_t prefetch);
  void hear_all(const std::string& queue, std::size_t there, std::size_t ahead);
  void end_reading();

  Browser& browser_;
  const TimePoint until_;
  Connection::Turn turn_;
  unsigned made_ = 0, cancelled_ = 0;  // consumers, whose tags are their numbers
  std::vector<Part> parts_;
};

}  // namespace gander::rabbitmq
