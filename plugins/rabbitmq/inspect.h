// inspect/1: how much there is of what AMQP counts, and the dead letters. It has no way to look
// into a queue that workers consume from, nor into one whose messages wait for their time: to read
// one is to take it, which counts against it. Those are UNSUPPORTED.
#pragma once

#include <gander/sdk/broker.hpp>
#include <string>

#include "browse.h"
#include "dead.h"

namespace gander::rabbitmq {

class Inspector {
 public:
  Inspector(Instance& instance, Browser& browser, Publisher& publisher)
      : instance_(instance), browser_(browser), publisher_(publisher) {}

  void queues(const sdk::QueueVisitor& visitor, const sdk::Deadline& deadline);
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visitor,
                const sdk::Deadline& deadline);
  void get(const gander_id& id, const sdk::MessageVisitor& visitor, const sdk::Deadline& deadline);

 private:
  Instance& instance_;
  Browser& browser_;
  Publisher& publisher_;
};

// What an operator asks of messages that are not dead.
[[noreturn]] void only_the_dead(const Settings& settings, const std::string& what);
// How many are ready, in all priorities. The queue is declared if it is not there.
std::int64_t count_ready(Visit& visit, const Names& names, std::string_view queue);

}  // namespace gander::rabbitmq
