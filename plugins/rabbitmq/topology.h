// The exchanges and queues that messages go through, in parts that are made as a whole: a map of
// them is in docs/brokers/rabbitmq.md. The arguments never change, and are the same from
// RabbitMQ 3.10 to 4.x. Immutable; [any].
#pragma once

#include <string>
#include <vector>

#include "client.h"
#include "names.h"

namespace gander::rabbitmq {

struct Part {
  enum class Kind {
    base,     // what is there once
    cascade,  // the levels at which messages wait for their time
    queue,    // all that one queue of gander's needs
  };
  Kind kind;
  std::string queue;  // its name, of that kind
  bool operator==(const Part&) const = default;

  // Different for each; no address, but of a queue.
  [[nodiscard]] std::string key() const;
};

class Topology {
 public:
  explicit Topology(const Names& names) : names_(names) {}

  // All that hold messages.
  [[nodiscard]] std::vector<std::string> queues_of(const Part& part) const;
  // Changes nothing that is there. Throws as Client does; CONFIG, naming it, when one is there with
  // other arguments.
  void declare(Client& client, const Part& part, TimePoint until) const;
  // A queue of this connection's own, to be bound to what operators tell (state.h).
  void declare_control(Client& client, const std::string& own, TimePoint until) const;

 private:
  void declare_base(Client& client, TimePoint until) const;
  void declare_cascade(Client& client, TimePoint until) const;
  void declare_queue(Client& client, const std::string& address, TimePoint until) const;

  const Names& names_;
};

}  // namespace gander::rabbitmq
