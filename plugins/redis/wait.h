// What a WAIT session does. Each queue has a bell: a stream of one entry, replaced by a new one
// whenever a message came to it. A session that reads it blocking, from the entry it saw last on,
// misses none however long it was away, and hears any number of queues on one connection.
#pragma once

#include "connection.h"

namespace gander::redis {

class Waiter {
 public:
  Waiter(Instance& instance, sdk::Queues queues, const sdk::Deadline& deadline);
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  sdk::Waited wait(sdk::Queues queues, const sdk::Deadline& deadline);
  void interrupt() noexcept;  // [any]

 private:
  enum class Heard { nothing, bell, interrupt };

  void remember(const std::string& bell);
  void ask(const std::vector<std::string>& bells, std::chrono::milliseconds block);
  // Waits until the reply is there, the time is over, or it was interrupted.
  Heard listen(TimePoint until);
  bool note_entries(const ReplyView& reply);
  bool take_interrupt();

  Instance& instance_;
  std::unique_ptr<Connection> connection_;
  int interrupted_;                          // an eventfd
  std::map<std::string, std::string> seen_;  // bell -> its last entry
  std::vector<std::string> asked_;           // the bells of the request that is under way
  TimePoint answer_by_;                      // and when it is answered at the latest
};

}  // namespace gander::redis
