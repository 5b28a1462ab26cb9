// A Client that several threads use in turn, and the thread that listens to it meanwhile: it
// answers heartbeats while nobody calls (a handler may run for hours), hands on what the server
// sends, and cuts the line of a call that is stuck in writing beyond its time.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "client.h"

namespace gander::rabbitmq {

class Connection {
 public:
  // Called in turn, on whichever thread reads; must not take a turn itself.
  class Listener {
   public:
    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    virtual ~Listener() = default;
    virtual void on_event(const Event& event) = 0;
    virtual void on_lost(const std::string& why) noexcept = 0;
    // On the listening thread, out of turn: what has to be done by itself, and when to ask again.
    virtual TimePoint chores(TimePoint now) = 0;
  };

  // Connects. `listener` must outlive it.
  Connection(const Settings& settings, const std::string& what, TimePoint until,
             Listener& listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The exclusive use of it. Throws TIMEOUT when others use it until then.
  class Turn {
   public:
    Turn(Connection& connection, TimePoint until);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Connection& connection_;
  };

  // In turn, as what follows it. Throws as Client does.
  Client& client() { return client_; }
  // Hands the next event to the listener; false: there was none until then.
  bool listen(TimePoint until);
  // All that has come already.
  void catch_up();

  // Chores are to be asked for by then. [any]
  void wake_by(TimePoint at);
  // Ends the listening thread; then only the caller uses it. Not from the listening thread.
  void stop();
  [[nodiscard]] bool lost();
  [[nodiscard]] std::string why_lost();

 private:
  void run();
  void sleep(std::unique_lock<std::mutex>& lock);
  void serve() noexcept;
  void poke() const;

  Listener& listener_;
  Client client_;
  const std::chrono::milliseconds beat_;
  int line_;  // a copy of the socket's number, which nobody else can close and use again
  int poked_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool busy_ = false;
  TimePoint busy_until_{};
  TimePoint asleep_until_{};  // of the listening thread
  TimePoint chores_at_ = TimePoint::max();
  bool unread_ = false;
  bool stopping_ = false;
  bool lost_ = false;
  std::thread listening_;
};

}  // namespace gander::rabbitmq
