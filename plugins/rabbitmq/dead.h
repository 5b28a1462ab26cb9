// Dead letters: those of each queue, and those that no queue took when they fell due, because it
// had been deleted while they waited. The latter lie in a queue of their own, and are shown among
// the dead of the queue they were for, so that they are listed and replayed as those are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "browse.h"
#include "publisher.h"

namespace gander::rabbitmq {

class DeadLetters {
 public:
  enum class Look {
    keep,  // it stays
    take,  // the visitor sees to it: it drops it, or will
    stop   // it stays, and no more is to be shown of this queue
  };
  using Visitor = std::function<Look(gander_message& message, std::uint64_t tag)>;

  DeadLetters(Instance& instance, Publisher& publisher, Visit& visit)
      : instance_(instance), publisher_(publisher), visit_(visit) {}

  // Of every queue that there has been, in order.
  std::vector<std::string> names();
  // Of one queue; of all when the name is empty. The oldest of each queue first.
  void read(std::string_view queue, const Visitor& visitor);
  void read_dead(std::string_view queue, const Visitor& visitor, std::size_t ahead = kMostAhead);
  void read_unrouted(const Visitor& visitor);

 private:
  void read_from(const std::string& from, std::string_view queue, const Visitor& visitor,
                 std::size_t ahead = kMostAhead);
  void renew();

  Instance& instance_;
  Publisher& publisher_;
  Visit& visit_;
  struct Worn {
    sdk::OwnedMessage message;
    std::uint64_t tag;
  };
  std::vector<Worn> worn_;
};

}  // namespace gander::rabbitmq
