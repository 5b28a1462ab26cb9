// What a WAIT session does.
#pragma once

#include "connection.h"
#include "wake.h"

namespace gander::sqlite {

class Waiter {
 public:
  // Whatever is stored from here on is noticed by the first wait().
  Waiter(std::unique_ptr<Connection> connection, Wake& wake);

  sdk::Waited wait(const sdk::Deadline& deadline);
  void interrupt() noexcept;  // [any]

 private:
  bool may_hold_something();
  std::int64_t version();

  std::unique_ptr<Connection> connection_;  // for the look at the file, of its own
  Wake& wake_;
  std::uint32_t seen_;
  std::int64_t seen_version_ = 0;
  std::chrono::steady_clock::time_point look_at_;
  Statement data_version_, any_ready_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace gander::sqlite
