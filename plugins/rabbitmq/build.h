// Sees to it that what a message goes to is on the server's disk before the message is.
//
// RabbitMQ, from 3.10 to 4.x, confirms what is published to a new quorum queue before the queue's
// name is on disk: its table of names is saved after a half to a whole second without a change
// (ra_directory: a dets table with auto_save 500). Killed before, it brings the queue back empty,
// and without a leader: nobody can use it until it is deleted.
//
// So a part of the topology is built: made, left alone until its names are on disk, asked whether
// it has a leader, and marked as built, by an exchange. Nobody stores anything in what is not
// marked; so that holds nothing, and when it does not answer it is deleted and made again. One
// connection at a time builds a part: that has an exclusive queue, which goes when it ends, so that
// nobody deletes what another has marked meanwhile.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "connection.h"
#include "instance.h"
#include "topology.h"

namespace gander::rabbitmq {

// Of one connection, in its turn. Not safe between threads.
class Builder {
 public:
  // Is to note that there is a queue of this name, durably: AMQP cannot list queues.
  using Register = std::function<void(std::string_view queue)>;

  explicit Builder(Instance& instance) : instance_(instance), topology_(instance.names) {}

  // All of them stand when it returns, at once when they did at the last call. Throws as Client
  // does, and TIMEOUT, RETRYABLE when they are too new; the next call goes on where it stopped.
  void ensure(Connection& connection, std::span<const Part> parts, const Register& note_name,
              TimePoint until);
  // It may have been deleted.
  void forget(const Part& part) { standing_.erase(part.key()); }
  void forget_all() { standing_.clear(); }

 private:
  bool stands(Client& client, const Part& part, TimePoint until);
  void build(Connection& connection, std::span<const Part> parts, const Register& note_name,
             TimePoint until);
  struct Made {
    TimePoint on_disk_at;
    std::vector<std::string> queues;  // that are, or may be, new
  };
  Made make(Client& client, const Part& part, TimePoint until);
  static void wait_for_disk(Connection& connection, TimePoint at, TimePoint until);
  void ask(Client& client, const std::string& queue, TimePoint until);

  Instance& instance_;
  const Topology topology_;
  std::set<std::string, std::less<>> standing_;  // keys of parts
};

}  // namespace gander::rabbitmq
