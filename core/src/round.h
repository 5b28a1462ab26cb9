// One exchange of the pump: what goes out and what comes back.
#pragma once

#include <vector>

#include "delivery.h"

namespace gander {

struct Round {
  std::vector<Settlement> settlements;
  std::vector<gander_take> takes;
  std::uint64_t rings = 0;  // of the bell, when it was filled
  // For the ABI, by encode(): they point into the settlements.
  std::vector<gander_message> successors;
  std::vector<gander_settle> settles;
  std::vector<gander_status> verdicts;
  Session::Exchanged out;

  void clear();
  void encode();
};

}  // namespace gander
