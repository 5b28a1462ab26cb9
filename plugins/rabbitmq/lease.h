// What one connection holds: every delivery that the server has pushed and that is not
// acknowledged. The server numbers them from 1 on, so they lie in a row. Not safe between threads.
#pragma once

#include <cstdint>
#include <deque>
#include <gander/sdk/message.hpp>
#include <vector>

#include "client.h"

namespace gander::rabbitmq {

struct Level;

struct Lease {
  enum class State {
    waiting,   // pushed, and not given to the host yet
    held,      // given to the host
    moving,    // being settled, or on its way back
    finished,  // its ack is to be sent
    gone
  };
  State state = State::gone;
  Level* level = nullptr;
  TimePoint pushed_at{};
  std::uint64_t consumer = 0;     // that it was pushed to
  bool given = false;             // to the host
  bool successor_stored = false;  // but its ack could not be sent yet
  bool warned = false;            // that it takes long
  sdk::OwnedMessage message;
};

class Ledger {
 public:
  Lease& add(std::uint64_t tag, Level& level, sdk::OwnedMessage message);
  // Null when it was never there or is finished.
  Lease* find(std::uint64_t tag);
  // It is to be acknowledged by the next flush(). The message goes now.
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
    for (std::size_t i = 0; i < leases_.size(); ++i)
      if (leases_[i].state < Lease::State::finished) function(first_ + i, leases_[i]);
  }

 private:
  std::deque<Lease> leases_;
  std::uint64_t first_ = 1;  // the tag of the first of them
  std::vector<std::uint64_t> to_ack_;
  TimePoint flush_by_ = TimePoint::max();

  void ack_front(Client& client);
};

}  // namespace gander::rabbitmq
