// A connection to the master, logged in and checked, that speaks commands and scripts. One thread
// at a time. What the server answers with an error is thrown as sdk::Error; so is the loss of the
// connection, after which every call says RECONNECT.
#pragma once

#include <gander/sdk/broker.hpp>
#include <map>
#include <string>

#include "instance.h"
#include "socket.h"

namespace gander::redis {

class Connection {
 public:
  // Connects, and refuses a server that would lose jobs.
  Connection(Instance& instance, const sdk::Deadline& deadline);

  // First thing in each call of the ABI: until when all of its replies must be there. Each of them
  // has the option's call_timeout_ms besides.
  void begin_call(const sdk::Deadline& deadline);
  // Too little is left of that for one more round trip: a call that can be cut short ends here.
  [[nodiscard]] bool time_is_up() const;

  // One command, one reply; `doing` goes into an error's text.
  Reply call(const Command& command, const std::string& doing);
  // The same for a script, which is loaded when the server does not know it (any more).
  Reply run(ScriptCall& script, const std::string& doing);
  // Several commands in one round trip, a reply for each; an error among them is thrown when all
  // have been read.
  std::vector<Reply> call_all(const std::vector<Command>& commands, const std::string& doing);

  Socket& socket() { return socket_; }
  // When the reply to what is sent now must be there.
  [[nodiscard]] TimePoint until() const;
  [[nodiscard]] const std::string& where() const { return socket_.where(); }

 private:
  const std::string& sha_of(const Script& script, const std::string& doing);
  Reply checked(Reply reply, const std::string& doing) const;

  const Settings& settings_;
  TimePoint limit_;  // of the call
  Socket socket_;
  std::map<const Script*, std::string> shas_;
};

}  // namespace gander::redis
