// What a TEND session does. The server hands on by itself what the dead held, and what falls due;
// dead letters that are too old or too many are dropped here.
#pragma once

#include <gander/sdk/broker.hpp>
#include <string>

#include "publisher.h"

namespace gander::rabbitmq {

class Tender {
 public:
  Tender(Instance& instance, std::string_view incarnation)
      : instance_(instance),
        incarnation_(incarnation),
        life_(instance.find(incarnation_)),
        publisher_(instance, "gander " + incarnation_ + " (trims)") {}

  gander_tend_res tend(const sdk::Deadline& deadline);

 private:
  std::uint64_t trim(const sdk::Deadline& deadline);

  Instance& instance_;
  const std::string incarnation_;
  const std::shared_ptr<Life> life_;
  Publisher publisher_;  // connects when it is needed
  TimePoint trimmed_at_{};
};

}  // namespace gander::rabbitmq
