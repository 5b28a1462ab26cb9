// gander/testing.h -- for your own tests: no server, no thread, no waiting.
//
//   gander::Testing gander;
//   sign_up(gander.client(), "ada@lovelace.dev");        // code under test enqueues
//   ASSERT_EQ(gander.enqueued().size(), 1u);
//   gander.handle(welcome).run_all();                    // runs it here, on this thread
//   gander.advance(24h);                                 // what is due then becomes ready
//
// Not thread-safe. Everything goes the way it goes in a worker: codec, middleware, retries, dead
// letters; only the broker is in memory and the clock is yours.
#pragma once

#include <gander/admin.h>
#include <gander/client.h>
#include <gander/worker.h>

namespace gander {

class Testing {
 public:
  Testing();
  ~Testing();
  Testing(const Testing&) = delete;
  Testing& operator=(const Testing&) = delete;

  [[nodiscard]] Broker& broker();
  [[nodiscard]] Client& client();

  template <class J>
  Testing& handle(const J& job) {
    worker().handle(job);
    return *this;
  }
  template <class J>
  Testing& handle(const J& job, const RetryPolicy& policy) {
    worker().handle(job, policy);
    return *this;
  }
  // Not started: for use(), add() and on(). Takes from every queue.
  [[nodiscard]] Worker& worker();

  // Runs the next ready message; false when there is none.
  bool run_one();
  // Runs until nothing is ready; returns how many runs. What a run enqueues runs too.
  std::size_t run_all();

  // What waits, by state; what waits to run is ready or scheduled or retry.
  [[nodiscard]] std::vector<MessageView> enqueued();
  [[nodiscard]] std::vector<MessageView> in_state(State state);

  [[nodiscard]] std::chrono::system_clock::time_point now() const;
  void advance(std::chrono::milliseconds by);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gander
