// What a TEND session does: the housekeeping that any worker may do at any time.
#pragma once

#include <functional>
#include <gander/sdk/broker.hpp>
#include <map>
#include <string>

#include "instance.h"
#include "manage.h"

namespace gander::kafka {

class Tender {
 public:
  Tender(Instance& instance, std::string_view incarnation)
      : instance_(instance), incarnation_(incarnation) {}
  gander_tend_res tend(const sdk::Deadline& deadline);

 private:
  void attempt(const std::string& what, const std::function<void()>& work);
  std::uint64_t promote(Member& member, const sdk::Deadline& deadline);
  std::uint64_t trim(Member& member, const sdk::Deadline& deadline);
  std::int64_t again_in_us(Member& member);

  Instance& instance_;
  std::string incarnation_;
  std::chrono::steady_clock::time_point trimmed_at_{};
  DeadRead dead_;
  std::map<std::string, gander_status> failing_;  // what of it fails, and how, as was told
};

}  // namespace gander::kafka
