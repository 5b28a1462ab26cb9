// What a TEND session does: the housekeeping that any worker may do at any time.
#pragma once

#include "lease.h"

namespace gander::redis {

class Tender {
 public:
  Tender(Instance& instance, const sdk::Deadline& deadline, std::string_view incarnation)
      : instance_(instance),
        connection_(instance, deadline),
        leases_(instance, connection_),
        incarnation_(incarnation) {}
  gander_tend_res tend(const sdk::Deadline& deadline);

 private:
  std::uint64_t reclaim(const Leases::Others& others);
  void keep_queues(gander_tend_res& done);
  void keep_some(const std::vector<std::string>& names, std::size_t from, std::size_t to,
                 gander_tend_res& done);

  Instance& instance_;
  Connection connection_;
  Leases leases_;
  std::string incarnation_;
  bool more_ = false;            // something was left for the next time
  std::int64_t next_in_us_ = 0;  // when the next message falls due, 0: none
};

}  // namespace gander::redis
