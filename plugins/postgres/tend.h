// What a TEND session does: the housekeeping that any worker may do at any time.
#pragma once

#include "bell.h"
#include "due.h"
#include "lease.h"

namespace gander::postgres {

class Tender {
 public:
  Tender(Connection& connection, Bell& bell, std::string_view incarnation);
  gander_tend_res tend(const sdk::Deadline& deadline);

 private:
  std::uint64_t promote(const sdk::Deadline& deadline);
  std::uint64_t reclaim(const sdk::Deadline& deadline);
  std::uint64_t trim(const sdk::Deadline& deadline);
  std::uint64_t trim_old(std::int64_t died_before, std::int64_t seq, const sdk::Deadline& deadline);
  std::uint64_t trim_many(const sdk::Deadline& deadline);
  std::int64_t again_in_us(const sdk::Deadline& deadline);

  Connection& connection_;
  Bell& bell_;
  std::string incarnation_;
  Leases leases_;
  Due due_;
  Statement next_, trim_, page_;
  std::chrono::steady_clock::time_point counted_{};
  bool cut_short_ = false;
};

}  // namespace gander::postgres
