// Incarnations: who lives, and what becomes of the deliveries of one that ends.
//
// A row each, which says until when it lives if nobody renews it, by the server's clock. Whoever
// ends one locks its row first; a claim holds that lock in share, so when it is had, all that was
// ever leased is to be seen.
#pragma once

#include <string>

#include "rows.h"

namespace gander::postgres {

class Leases {
 public:
  explicit Leases(Connection& connection);

  enum class Cause { crashed, closed };

  // The number of a new incarnation. INVALID_STATE when one of that name lives; one that has died
  // under it is ended first.
  std::int32_t begin(std::string_view name, const sdk::Deadline& deadline);
  // False when the incarnation has ended.
  bool renew(std::string_view name, const sdk::Deadline& deadline);
  // Ends it, if `cause` is crashed only when its time is over or `at_once`; what it held goes to
  // the front, crashes + 1 or give_backs + 1. How many; their queues into `*queues`.
  std::int64_t end(std::int32_t no, Cause cause, bool at_once, std::vector<std::int32_t>* queues,
                   const sdk::Deadline& deadline);
  // The number of the incarnation of that name, 0 if there is none.
  std::int32_t find(std::string_view name, const sdk::Deadline& deadline);
  // Those whose time is over.
  std::vector<std::int32_t> expired(std::string_view but_not, const sdk::Deadline& deadline);
  std::int64_t count(const sdk::Deadline& deadline);

 private:
  Connection& connection_;
  Statement add_, renew_, find_, expired_, count_, lock_, crashed_, closed_, remove_;
};

}  // namespace gander::postgres
