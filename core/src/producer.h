// Sends what many threads enqueue over one session.
//
// The thread that finds the session free sends for all that wait behind it: alone it pays one call
// and no delay; sixteen together pay little more than one. No thread of its own, but one for
// enqueue_async(), made at its first use.
#pragma once

#include <gander/client.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "broker_handle.h"

namespace gander {

// A message that owns what it points to.
struct OwnedMessage {
  gander_message message{};
  std::string queue;
  std::string body;
  // The view of it for the ABI; valid while *this stays where it is.
  [[nodiscard]] gander_message abi() const;
};

class Producer {
 public:
  explicit Producer(std::shared_ptr<BrokerHandle> broker);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  using TimePoint = std::chrono::steady_clock::time_point;

  // Stores all of them or throws Error. At most max_batch() messages.
  void send(std::span<const gander_message> messages, TimePoint deadline);
  std::future<Id> send_async(OwnedMessage message, TimePoint deadline);

  [[nodiscard]] std::size_t max_batch();
  [[nodiscard]] BrokerHandle& broker() { return *broker_; }

  std::vector<ClientMiddleware> middlewares;  // set before the first send

 private:
  enum class Turn { waits, leads, done };
  // What one thread wants stored; lives on its stack. Each is woken by itself and for itself: one
  // condition for all would have all of them fight for one mutex whenever one may go.
  struct Submission {
    Submission(std::span<const gander_message> m, std::span<gander_status> v, TimePoint d)
        : messages(m), verdicts(v), deadline(d) {}
    std::span<const gander_message> messages;
    std::span<gander_status> verdicts;
    TimePoint deadline;
    Status status{};
    bool leads = false;  // guarded by the Producer's mutex_: it was handed the lead

    // What it is when it need not wait any longer, or at the time.
    Turn wait(TimePoint until);
    void become(Turn turn);

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Turn turn_ = Turn::waits;
  };
  struct AsyncItem {
    OwnedMessage message;
    TimePoint deadline;
    std::promise<Id> promise;
  };

  Status submit(std::span<const gander_message> messages, std::span<gander_status> verdicts,
                TimePoint deadline);
  Turn join(Submission& mine);
  bool withdraw(Submission& mine);
  void lead(Submission& mine);
  void take_group(std::vector<Submission*>& group, std::size_t limit);
  void hand_over();
  void gather(std::unique_lock<std::mutex>& lock);
  Status transmit(std::span<Submission* const> group);
  Status call(std::span<const gander_message> messages, std::span<gander_status> verdicts,
              TimePoint deadline);
  void run_async(const std::stop_token& stop);
  void send_items(std::vector<AsyncItem>& items);

  std::shared_ptr<BrokerHandle> broker_;
  std::mutex mutex_;
  std::deque<Submission*> waiting_;  // guarded by mutex_
  bool busy_ = false;                // guarded by mutex_: a leader is using session_
  std::condition_variable gathered_;
  std::size_t gather_ = 0;      // guarded by mutex_: how many a leader waits for
  std::size_t last_group_ = 1;  // guarded by mutex_, as is the next
  std::chrono::steady_clock::duration last_took_{};
  std::unique_ptr<Session> session_;  // the leader's

  std::mutex async_mutex_;
  std::condition_variable_any async_ready_;
  std::vector<AsyncItem> async_;  // guarded by async_mutex_
  std::jthread async_thread_;     // last: it uses all of the above
};

// Throws the Error of the first verdict that is not OK or DUPLICATE.
void check_verdicts(std::span<const gander_status> verdicts, const BrokerHandle& broker);

}  // namespace gander
