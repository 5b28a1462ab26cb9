// Declares what a message needs to go to or come from, once per connection: a map of it is in
// docs/brokers/rabbitmq.md. The arguments never change, and are the same from RabbitMQ 3.10 to 4.x.
// Not safe between threads.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "client.h"
#include "names.h"

namespace gander::rabbitmq {

class Topology {
 public:
  // Is to note that there is a queue of this name, durably: AMQP cannot list queues.
  using Register = std::function<void(std::string_view queue, TimePoint until)>;

  // `declaring` is shared by all of an instance: RabbitMQ fails whom it finds consuming from a
  // quorum queue that another connection is just making.
  Topology(const Names& names, std::mutex& declaring) : names_(names), declaring_(declaring) {}

  // All may throw as Client does, and can be called again.
  void ensure_queue(Client& client, std::string_view queue, TimePoint until,
                    const Register& note_name);
  void ensure_priority(Client& client, std::string_view queue, std::uint32_t priority,
                       TimePoint until);
  void ensure_delays(Client& client, TimePoint until);
  // A queue of this connection's own, to be bound to what operators tell (state.h).
  void ensure_control(Client& client, const std::string& own, TimePoint until);
  // It may have been deleted: it will be declared again.
  void forget(std::string_view queue);
  void forget_all();

 private:
  void ensure_base(Client& client, TimePoint until);

  const Names& names_;
  std::mutex& declaring_;
  bool base_ = false, delays_ = false;
  std::set<std::string, std::less<>> queues_, priorities_;
};

}  // namespace gander::rabbitmq
