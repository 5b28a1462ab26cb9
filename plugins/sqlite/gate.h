// The one write lock of SQLite, queued for fairly among the connections of one instance.
//
// Without it, threads of one process would meet in SQLite's busy handler and sleep there, while the
// lock is free. First come, first served, so a busy producer does not starve the worker beside it.
// [any]
#pragma once

#include <condition_variable>
#include <gander/sdk/broker.hpp>
#include <list>
#include <mutex>

namespace gander::sqlite {

class Gate {
 public:
  // Enters, or returns false at `until` without having entered.
  bool enter(std::chrono::steady_clock::time_point until);
  void leave() noexcept;

 private:
  struct Waiter {
    std::condition_variable turn;
    bool mine = false;
  };

  std::mutex mutex_;
  bool held_ = false;
  std::list<Waiter*> waiters_;
};

}  // namespace gander::sqlite
