// What one connection holds: every delivery that the server has pushed and that is not
// acknowledged, by the number that the server gave it. Not safe between threads.
#pragma once

#include <cstdint>
#include <gander/sdk/message.hpp>
#include <map>
#include <vector>

#include "client.h"

namespace gander::rabbitmq {

struct Level;

struct Lease {
  enum class State {
    waiting,  // pushed, and not given to the host yet
    held,     // given to the host
    moving    // being settled, or on its way back
  };
  State state = State::waiting;
  Level* level = nullptr;
  TimePoint pushed_at{};
  std::uint64_t consumer = 0;  // that it was pushed to
  bool given = false;          // to the host
  bool warned = false;         // that it takes long
  sdk::OwnedMessage message;
};

class Ledger {
 public:
  Lease& add(std::uint64_t tag, Level& level, sdk::OwnedMessage message);
  // Null when it was never there or is finished.
  Lease* find(std::uint64_t tag);
  // It is to be acknowledged by the next flush(). The lease goes now.
  void finish(std::uint64_t tag);
  // One ack for all in front that are finished, and one for each behind one that is not.
  void flush(Client& client);
  // The same, but of many those behind one that is not wait a moment for it: each ack by itself
  // costs the server as much as one for hundreds. flush() is due by flush_by().
  void flush_soon(Client& client, TimePoint now);
  [[nodiscard]] TimePoint flush_by() const { return flush_by_; }  // max: nothing waits

  // The first that was pushed and is not finished; null: there is none.
  Lease* oldest();
  // Calls function(tag, Lease&) for what is not finished, in the order of delivery.
  template <class Function>
  void each(Function&& function) {
    for (auto& [tag, lease] : leases_) function(tag, lease);
  }

 private:
  // Only what is not finished: behind a job that runs for an hour there may be millions that are.
  std::map<std::uint64_t, Lease> leases_;
  std::uint64_t front_ = 0;  // all before it was finished when ack_front() looked
  std::vector<std::uint64_t> to_ack_;
  TimePoint flush_by_ = TimePoint::max();

  bool ack_front(Client& client);
};

}  // namespace gander::rabbitmq
