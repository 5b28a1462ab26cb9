#include "tend.h"

#include <algorithm>

namespace gander::postgres {
namespace {

// Messages in one transaction of housekeeping: a few milliseconds of the server.
constexpr std::int64_t kChunk = 500;
constexpr std::int64_t kCountChunk = 10'000;
constexpr std::chrono::seconds kCountEvery{10};
// A neighbour that goes silent has its deliveries handed on within so much after its time is over.
constexpr std::int64_t kLookAfterNeighboursUs = 1'000'000;

}  // namespace

Tender::Tender(Connection& connection, Bell& bell, std::string_view incarnation)
    : connection_(connection),
      bell_(bell),
      incarnation_(incarnation),
      leases_(connection),
      due_(connection),
      next_(connection, std::string("SELECT min(s.due), ") + kNow +
                            " FROM (VALUES (2), (4)) AS v(state), LATERAL (SELECT due FROM @sched "
                            "WHERE state=v.state ORDER BY due LIMIT 1) s"),
      trim_(connection,
            "DELETE FROM @dead WHERE id=ANY(ARRAY(SELECT id FROM @dead WHERE (died, seq)<"
            "($1::bigint, $2::bigint) ORDER BY died, seq LIMIT $3))"),
      page_(connection,
            "SELECT count(*), min(died), (array_agg(seq))[count(*)] FROM (SELECT died, seq FROM "
            "@dead WHERE (died, seq)<($1::bigint, $2::bigint) ORDER BY died DESC, seq DESC LIMIT "
            "$3) x") {}

gander_tend_res Tender::tend(const sdk::Deadline& deadline) {
  cut_short_ = false;
  gander_tend_res done{};
  if (!leases_.renew(incarnation_, deadline))
    throw sdk::Error(GANDER_LEASE_LOST, connection_.where() + ": incarnation '" + incarnation_ +
                                            "' has ended; begin a new one");
  done.promoted = promote(deadline);
  done.reclaimed = reclaim(deadline);
  done.trimmed = trim(deadline);
  done.again_in_us = again_in_us(deadline);
  return done;
}

std::uint64_t Tender::promote(const sdk::Deadline& deadline) {
  std::uint64_t promoted = 0;
  for (;;) {
    if (deadline.passed()) {
      cut_short_ = true;
      return promoted;
    }
    std::vector<std::int32_t> woken;
    const std::int64_t some = due_.promote(0, kChunk, &woken, deadline);
    bell_.ring(woken);
    promoted += static_cast<std::uint64_t>(some);
    if (some < kChunk) return promoted;
  }
}

std::uint64_t Tender::reclaim(const sdk::Deadline& deadline) {
  std::uint64_t reclaimed = 0;
  if (deadline.passed()) return reclaimed;
  for (const std::int32_t no : leases_.expired(incarnation_, deadline)) {
    if (deadline.passed()) {
      cut_short_ = true;
      break;
    }
    std::vector<std::int32_t> woken;
    reclaimed += static_cast<std::uint64_t>(
        leases_.end(no, Leases::Cause::crashed, false, &woken, deadline));
    bell_.ring(woken);
  }
  return reclaimed;
}

std::uint64_t Tender::trim(const sdk::Deadline& deadline) {
  const Settings& s = connection_.settings();
  std::uint64_t trimmed = 0;
  if (deadline.passed()) return trimmed;
  if (s.dead_max_age_s > 0) {
    const Result now = connection_.run(std::string("SELECT ") + kNow, deadline);
    trimmed += trim_old(now.integer(0, 0) - s.dead_max_age_s * 1'000'000, INT64_MIN, deadline);
  }
  const auto now = std::chrono::steady_clock::now();
  if (s.dead_max_count == 0 || now - counted_ < kCountEvery) return trimmed;
  counted_ = now;
  return trimmed + trim_many(deadline);
}

// Deletes what died before that place, the oldest first, chunk by chunk.
std::uint64_t Tender::trim_old(std::int64_t died_before, std::int64_t seq,
                               const sdk::Deadline& deadline) {
  std::uint64_t trimmed = 0;
  for (;;) {
    if (deadline.passed()) {
      cut_short_ = true;
      counted_ = {};
      return trimmed;
    }
    const Result some = connection_.run(
        trim_, deadline, Params().add_int8(died_before).add_int8(seq).add_int8(kChunk));
    trimmed += static_cast<std::uint64_t>(some.changed());
    if (some.changed() < kChunk) return trimmed;
  }
}

// Finds the place of the last one to keep page by page: counting a million in one statement would
// hold up nobody, but it would be one long statement.
std::uint64_t Tender::trim_many(const sdk::Deadline& deadline) {
  std::int64_t died = INT64_MAX, seq = INT64_MAX;
  for (std::int64_t left = connection_.settings().dead_max_count; left > 0;) {
    if (deadline.passed()) {
      cut_short_ = true;
      counted_ = {};
      return 0;
    }
    const std::int64_t chunk = std::min(left, kCountChunk);
    const Result page =
        connection_.run(page_, deadline, Params().add_int8(died).add_int8(seq).add_int8(chunk));
    if (page.integer(0, 0) < chunk) return 0;
    died = page.integer(0, 1);
    seq = page.integer(0, 2);
    left -= chunk;
  }
  return trim_old(died, seq, deadline);
}

std::int64_t Tender::again_in_us(const sdk::Deadline& deadline) {
  if (cut_short_ || deadline.passed()) return 1;
  const Settings& s = connection_.settings();
  // Three times in a lease, so that two that are late do not end it.
  std::int64_t again = s.lease_us / 3;
  if (leases_.count(deadline) > 1) again = std::min(again, kLookAfterNeighboursUs);
  if (deadline.passed()) return 1;
  const Result next = connection_.run(next_, deadline);
  if (!next.null(0, 0))
    again = std::clamp<std::int64_t>(next.integer(0, 0) - next.integer(0, 1), 1, again);
  return again;
}

}  // namespace gander::postgres
