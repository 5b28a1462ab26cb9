// Which queues to ask for how many messages: weights, and what is known to be empty.
#pragma once

#include <gander/sdk/broker.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gander {

// Not thread-safe.
class TakePlan {
 public:
  // `strict`: the first queue that is not known to be empty gets everything.
  TakePlan(std::vector<std::pair<std::string, int>> queues, bool strict);

  // The next takes, `room` messages in all; empty when every queue is known to be empty. By smooth
  // weighted round robin, so that a light queue is late and never starved. Views into *this.
  std::vector<gander_take> next(std::size_t room);
  // What came of a take: fewer than asked for means empty, until the bell rings.
  void answered(const gander_take& take, std::size_t got);
  void forget_empty();
  [[nodiscard]] bool all_empty() const;

  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct Queue {
    std::string name;
    int weight;
    std::int64_t credit = 0;
    bool empty = false;
    std::uint32_t share = 0;
  };
  std::vector<Queue> queues_;
  bool strict_;
};

}  // namespace gander
