// gander/sdk/doorbell.hpp -- wait() and interrupt() for a broker whose sessions share one process.
// C++20, header-only.
//
// One Doorbell for an instance, rung when a message becomes ready; one Waiter for each session:
//
//   struct MyBroker : Broker { Doorbell bell; ... };                     bell.ring(queue);
//   struct MySession : Session {
//     Waited wait(Queues q, const Deadline& d) override { return waiter_.wait(q, d); }
//     void interrupt() noexcept override { waiter_.interrupt(); }
//     Doorbell::Waiter waiter_;
//   };
#pragma once

#include <gander/sdk/broker.hpp>

#include <condition_variable>
#include <mutex>

#include <gander/sdk/message.hpp>

namespace gander::sdk {

// Safe from any thread. It has a lock of its own and calls nothing while it holds it, so it can be
// rung under the broker's lock.
class Doorbell {
 public:
  class Waiter;

  // Something in `queue` may be taken. Each waiter learns of it once: now, when it waits for that
  // queue, or else at its next wait(), as the edge is latched (GBC-501). Ring when the message is
  // in its place, or under the lock that taking needs: whoever is rung sooner looks, finds nothing
  // and sleeps. Remembers each name, the first time; may then throw std::bad_alloc, and has not
  // rung.
  void ring(std::string_view queue) {
    const std::lock_guard lock(mutex_);
    std::uint64_t& last = last_ring_[queue];
    last = ++rings_;
    moved_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t rings_ = 0;  // so far; which one was a queue's last stands beside its name
  NameMap<std::uint64_t> last_ring_;
};

// What one session has heard of the bell, which must outlive it. wait() is for one thread at a
// time, interrupt() for any.
class Doorbell::Waiter {
 public:
  // Hears every ring from here on.
  explicit Waiter(Doorbell& bell) : bell_(bell) {
    const std::lock_guard lock(bell_.mutex_);
    heard_ = bell_.rings_;
  }

  // Returns `arrived` when one of the queues was rung since a wait() of this waiter last returned
  // that, or since it was made; `timeout` at the deadline; `cancelled` after interrupt(), which
  // comes before the other two.
  [[nodiscard]] Waited wait(Queues queues, const Deadline& deadline) {
    std::unique_lock lock(bell_.mutex_);
    const auto ended = [&] { return interrupted_ || rung(queues); };
    if (!deadline.at()) {
      bell_.moved_.wait(lock, ended);
    } else if (!bell_.moved_.wait_until(lock, *deadline.at(), ended)) {
      return Waited::timeout;
    }
    if (std::exchange(interrupted_, false)) return Waited::cancelled;
    heard_ = bell_.rings_;
    return Waited::arrived;
  }

  // Ends the wait() that runs, or else the next one (GBC-502). Others wait on.
  void interrupt() noexcept {
    const std::lock_guard lock(bell_.mutex_);
    interrupted_ = true;
    bell_.moved_.notify_all();
  }

 private:
  bool rung(Queues queues) const {
    return std::ranges::any_of(queues, [&](gander_str queue) {
      const auto it = bell_.last_ring_.find(view(queue));
      return it != bell_.last_ring_.end() && it->second > heard_;
    });
  }

  Doorbell& bell_;
  std::uint64_t heard_ = 0;  // rings, when the last wait() returned
  bool interrupted_ = false;
};

}  // namespace gander::sdk
