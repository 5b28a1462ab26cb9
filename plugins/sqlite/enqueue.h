// Enqueue with group commit: whoever finds the writer free commits for all that wait.
#pragma once

#include <deque>

#include "database.h"
#include "rows.h"
#include "wake.h"

namespace gander::sqlite {

// Puts messages into the tables; inside a write transaction of its connection.
class Inserter {
 public:
  explicit Inserter(Connection& connection);
  void begin(std::int64_t now_us);
  // OK or DUPLICATE.
  gander_status insert(const gander_message& message);
  void end();
  void forget() { queues_.forget(); }  // after a rollback

 private:
  Queues queues_;
  Counter counter_;
  Statement ready_, insert_;
  std::int64_t now_us_ = 0;
  std::int64_t first_seq_ = 0;
};

// One writer connection and one commit for the concurrent enqueues of an instance. No thread of its
// own and no delay: a caller alone commits at once; those who come while it waits for the lock or
// the disk go together in the next commit, or still in this one. [any]
class Writer {
 public:
  Writer(const Settings& settings, sdk::Host host, Gate& gate, Wake& wake);

  // Hands it its connection; only the first is kept.
  void open(std::unique_ptr<Connection> connection);
  // Returns when the messages are committed, with a verdict for each; throws when none is.
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);

 private:
  struct Ticket {
    sdk::Messages messages;
    sdk::Verdicts verdicts;
    const sdk::Deadline& deadline;
    std::condition_variable turn;
    bool taken = false;  // in the group of a commit that runs
    bool done = false;
    std::exception_ptr failure;
  };

  bool wait_for_turn(std::unique_lock<std::mutex>& lock, Ticket& ticket);
  void lead(std::unique_lock<std::mutex>& lock, Ticket& ticket);
  void commit_group(const sdk::Deadline& deadline);
  void take_group();
  void write(const Ticket& ticket);
  void finish_group(const std::exception_ptr& failure);

  const Settings& settings_;
  sdk::Host host_;
  Gate& gate_;
  Wake& wake_;

  std::mutex mutex_;
  bool busy_ = false;  // somebody leads
  std::deque<Ticket*> waiting_;
  std::vector<Ticket*> group_;  // the leader's
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Inserter> inserter_;
};

}  // namespace gander::sqlite
