// Between the broker and the executors: keeps them fed, and takes back what they made of it.
//
// Its duties:
//   1. one exchange() at a time settles what has ended and takes for the free threads and a small
//   buffer. It
//      goes out when half the room is free, when 500 settlements wait, or 2 ms after the first one
//   2. when every queue came back short it listens for the doorbell, and sleeps
//   3. while the broker is away it keeps the settlements, backs off, and goes on when it is back
//   4. when the lease is lost it drops what the old incarnation held and begins a new one
//   5. when it stops it gives back what has not begun
//
// The buffer is bounded by time, not by number: as many as ran in the last 10 ms. So a worker of
// fast jobs takes hundreds at once, and one of slow jobs hoards nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "delivery.h"
#include "incarnation.h"
#include "round.h"
#include "take_plan.h"

namespace gander {

struct PumpOptions {
  std::vector<std::pair<std::string, int>> queues;
  bool strict = false;
  std::size_t threads = 5;
  std::size_t prefetch = 1;  // least size of the buffer
};

class Pump {
 public:
  // `recovered` is told of deliveries taken over from dead workers.
  Pump(std::shared_ptr<BrokerHandle> broker, PumpOptions options,
       std::function<void(std::uint64_t)> recovered);

  // The pump's thread: until stop() and then until all is settled, or abandon().
  void run();

  // An executor's thread: hands in what it finished, if anything, and waits for the next; nothing:
  // the end.
  std::optional<Delivery> next(std::optional<Settlement> finished);

  // Thread-safe, as all that follows. Takes no more.
  void quiet();
  // Quiet, and gives back what has not begun.
  void stop();
  // Stop, and give back what still runs; its settlement will have no effect.
  void abandon();
  // What runs has ended and everything is settled; or the time is over, or abandon() was called:
  // false.
  bool wait_settled(std::chrono::milliseconds timeout);
  // No handler runs any more; or the time is over: false.
  bool wait_returned(std::chrono::milliseconds timeout);
  // Nothing is ready at the broker, and nothing runs; asked of the broker after the call.
  bool wait_idle(std::chrono::milliseconds timeout);
  // Time of the last exchange that succeeded; the epoch: none yet.
  [[nodiscard]] std::chrono::steady_clock::time_point last_exchange() const {
    return last_exchange_.load();
  }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  void live();
  bool serve(Incarnation& life);
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool due_at_once();
  [[nodiscard]] bool due(TimePoint now);
  [[nodiscard]] TimePoint next_look(TimePoint now) const;
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] bool can_take();
  void fill(Round& round);
  void apply(Round& round, const Status& status, Incarnation& life);
  void apply_verdicts(Round& round);
  void apply_taken(Round& round);
  void keep_for_later(Round& round, const Status& status);
  void look_again();
  void lose();
  void accept(Delivery delivery);
  [[nodiscard]] bool can_hand() const;
  [[nodiscard]] bool lease_is_over() const;
  void drop_all();
  void give_back_waiting();
  void give_back_ready();
  void measure(TimePoint now);

  std::shared_ptr<BrokerHandle> broker_;
  const PumpOptions options_;
  const std::function<void(std::uint64_t)> recovered_;

  std::mutex mutex_;  // guards all below
  std::condition_variable pump_wake_, work_wake_, state_wake_;
  TakePlan plan_;
  std::deque<Delivery> ready_;
  std::vector<Settlement> settled_;
  std::vector<std::pair<std::thread::id, Delivery>> running_;
  TimePoint first_settled_{};
  std::optional<Delivery> suspect_;  // waits to run alone; nothing else is handed out or taken then
  TimePoint suspect_since_{};
  bool solo_ = false;  // it runs, alone
  TimePoint next_due_ = TimePoint::max();
  TimePoint ask_again_{};
  std::uint64_t rings_ = 0;
  bool cautious_ = false;  // settlements go one at a time
  std::uint64_t life_ = 0;
  std::size_t buffer_ = 1;
  std::size_t finished_ = 0;  // since measured_
  TimePoint measured_{};
  std::size_t idle_threads_ = 0;
  std::uint64_t looks_wanted_ = 0;  // by wait_idle()
  std::uint64_t looks_ = 0;         // exchanges that found every queue empty with nothing in hand
  bool tended_ = false;             // in this life: what the dead left is among the ready
  bool in_flight_ = false;
  bool pump_asleep_ = false;
  bool lost_ = false, quiet_ = false, stopping_ = false, abandoned_ = false, ended_ = false;
  std::atomic<TimePoint> last_exchange_{};
  std::chrono::microseconds lease_{};  // 0: as long as the process lives
  TimePoint renewed_{};                // of this incarnation's lease: the last time that is known
};

}  // namespace gander
