// What a TEND session does: the housekeeping that any worker may do at any time.
#pragma once

#include "due.h"
#include "lease.h"
#include "settings.h"

namespace gander::sqlite {

class Tender {
 public:
  Tender(Connection& connection, Gate& gate, Wake& wake, sdk::Host host, const Settings& settings,
         std::string_view incarnation);
  gander_tend_res tend(const sdk::Deadline& deadline);

 private:
  void require_incarnation();
  std::uint64_t promote(const sdk::Deadline& deadline);
  std::uint64_t trim(const sdk::Deadline& deadline);
  std::uint64_t trim_oldest(std::int64_t died_before, std::int64_t at_most,
                            const sdk::Deadline& deadline);
  std::int64_t too_many();
  void checkpoint_when_idle();
  std::int64_t again_in_us(const sdk::Deadline& deadline);

  Connection& connection_;
  Gate& gate_;
  Wake& wake_;
  sdk::Host host_;
  const Settings& settings_;
  std::string incarnation_;
  Leases leases_;
  Counter counter_;
  Due due_;
  Statement trim_, dead_count_, dead_newest_, data_version_;
  std::int64_t counted_at_us_ = 0;
  std::int64_t version_ = 0, checkpointed_ = 0;
  bool cut_short_ = false;
};

}  // namespace gander::sqlite
