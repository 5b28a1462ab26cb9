// One life of one worker at one broker: its three sessions, and the two threads that go with it.
//
//   consume   the pump's own: exchange()
//   doorbell  waits for work on its own session, but only when asked to listen, and rings
//   keeper    tends on its own session and thread, so that a lease outlives any stall of the pump
//
// Both threads catch inside their loops: an error of the broker makes them back off and try again,
// never end.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker_handle.h"

namespace gander {

class Incarnation {
 public:
  // Called on the threads of the incarnation; must not block.
  struct Events {
    std::function<void()> rung;  // something may have arrived
    // And when the call began, as the lease lasts at least from then on.
    std::function<void(const gander_tend_res&, std::chrono::steady_clock::time_point)> tended;
    std::function<void()> lost;  // the lease is gone: end this incarnation
  };

  // Opens the consume session; throws Error. `queues` is copied.
  Incarnation(std::shared_ptr<BrokerHandle> broker, const std::vector<std::string>& queues,
              Events events);
  // Ends both threads and the sessions; what is still leased goes back to the front.
  ~Incarnation();
  Incarnation(const Incarnation&) = delete;
  Incarnation& operator=(const Incarnation&) = delete;

  [[nodiscard]] Session& consume() { return *consume_; }
  // The next arrival shall ring, once. Thread-safe.
  void listen();

 private:
  void run_doorbell(const std::stop_token& stop);
  void run_keeper(const std::stop_token& stop);
  // Waits for one arrival; false when the broker has no wait().
  bool hear(std::unique_ptr<Session>& session);
  std::chrono::microseconds tend(Session& session);
  std::unique_ptr<Session> open(std::uint32_t role);
  void pause(const std::stop_token& stop, std::chrono::microseconds time);

  std::shared_ptr<BrokerHandle> broker_;
  std::vector<std::string> queue_names_;
  std::vector<gander_str> queues_;
  Events events_;
  std::string name_;
  std::unique_ptr<Session> consume_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool listening_ = false;          // guarded by mutex_
  Session* waiting_ = nullptr;      // guarded by mutex_: the session to interrupt
  std::jthread doorbell_, keeper_;  // last: they use all of the above
};

}  // namespace gander
