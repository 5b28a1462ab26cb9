// What a CONSUME session does. It never waits for work: what the member's thread has fetched is
// there.
#pragma once

#include <gander/sdk/broker.hpp>
#include <memory>
#include <string>

#include "instance.h"

namespace gander::kafka {

class Exchanger {
 public:
  Exchanger(Instance& instance, std::string_view incarnation, sdk::Queues queues,
            const sdk::Deadline& deadline);
  ~Exchanger();
  Exchanger(const Exchanger&) = delete;
  Exchanger& operator=(const Exchanger&) = delete;

  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline);

 private:
  void promote(const sdk::Deadline& deadline);
  void commit_or_take_back(sdk::Taken& taken, std::uint64_t before, const sdk::Deadline& deadline);
  void need(sdk::Takes takes, const sdk::Deadline& deadline);

  Instance& instance_;
  std::string incarnation_;
  std::shared_ptr<Member> member_;
  std::vector<gander_str> queues_;
};

}  // namespace gander::kafka
