#include "tend.h"

namespace gander::sqlite {
namespace {

// Messages in one transaction of housekeeping, so that no enqueue waits long behind it.
constexpr std::int64_t kChunk = 500;
// A neighbour that is killed has its deliveries handed on within this.
constexpr std::int64_t kLookAfterNeighboursUs = 1'000'000;
// Counting the dead letters reads all of them.
constexpr std::int64_t kCountEveryUs = 10'000'000;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

}  // namespace

Tender::Tender(Connection& connection, Gate& gate, Wake& wake, sdk::Host host,
               const Settings& settings, std::string_view incarnation)
    : connection_(connection),
      gate_(gate),
      wake_(wake),
      host_(host),
      settings_(settings),
      incarnation_(incarnation),
      leases_(connection, gate, wake),
      counter_(connection),
      due_(connection),
      trim_(connection,
            "DELETE FROM message WHERE seq IN (SELECT seq FROM message WHERE died IS NOT NULL AND "
            "died<?1 ORDER BY died, queue LIMIT ?2)"),
      dead_count_(connection, "SELECT count(*) FROM message WHERE died IS NOT NULL"),
      dead_newest_(connection,
                   "SELECT length(body) + length(CAST(note AS BLOB)) FROM message "
                   "WHERE died IS NOT NULL ORDER BY died DESC, queue DESC"),
      data_version_(connection, "PRAGMA data_version") {}

gander_tend_res Tender::tend(const sdk::Deadline& deadline) {
  connection_.begin_call(deadline);
  cut_short_ = false;
  gander_tend_res done{};
  require_incarnation();
  done.reclaimed = static_cast<std::uint64_t>(leases_.reap(incarnation_, deadline));
  done.promoted = promote(deadline);
  done.trimmed = trim(deadline);
  if (!deadline.passed()) checkpoint_when_idle();
  done.again_in_us = again_in_us(deadline);
  return done;
}

// The lease is the lock that the CONSUME session holds; what can end it early is its row.
void Tender::require_incarnation() {
  if (leases_.find(incarnation_) == 0)
    throw sdk::Error(GANDER_LEASE_LOST, connection_.path() + ": incarnation '" + incarnation_ +
                                            "' has ended; begin a new one");
}

std::uint64_t Tender::promote(const sdk::Deadline& deadline) {
  const std::int64_t now_us = host_.now_us();
  std::int64_t promoted = 0;
  for (std::int64_t queue = due_.next_queue(0); queue != 0; queue = due_.next_queue(queue)) {
    for (std::int64_t due = due_.next(queue); due != 0 && due <= now_us; due = due_.next(queue)) {
      if (deadline.passed()) {
        cut_short_ = true;
        return static_cast<std::uint64_t>(promoted);
      }
      Transaction transaction(connection_, gate_);
      counter_.load();
      promoted += due_.promote(queue, now_us, kChunk, counter_);
      counter_.save();
      transaction.commit();
      wake_.ring();
    }
  }
  return static_cast<std::uint64_t>(promoted);
}

std::uint64_t Tender::trim(const sdk::Deadline& deadline) {
  const std::int64_t now_us = host_.now_us();
  std::uint64_t trimmed = 0;
  if (settings_.dead_max_age_s > 0)
    trimmed += trim_oldest(now_us - settings_.dead_max_age_s * 1'000'000, kNever, deadline);
  if (settings_.dead_max_count == 0 && settings_.dead_max_bytes == 0) return trimmed;
  const bool counted_lately =
      counted_at_us_ != 0 && now_us >= counted_at_us_ && now_us - counted_at_us_ < kCountEveryUs;
  if (counted_lately || deadline.passed()) return trimmed;
  counted_at_us_ = now_us;
  return trimmed + trim_oldest(kNever, too_many(), deadline);
}

// Deletes the oldest dead letters, in chunks; a deadline leaves the rest to the next time.
std::uint64_t Tender::trim_oldest(std::int64_t died_before, std::int64_t at_most,
                                  const sdk::Deadline& deadline) {
  std::int64_t trimmed = 0;
  while (trimmed < at_most) {
    if (deadline.passed()) {
      cut_short_ = true;
      counted_at_us_ = 0;
      break;
    }
    Transaction transaction(connection_, gate_);
    const std::int64_t chunk = std::min(kChunk, at_most - trimmed);
    const int deleted = trim_.run(died_before, chunk);
    transaction.commit();
    trimmed += deleted;
    if (deleted < chunk) break;
  }
  return static_cast<std::uint64_t>(trimmed);
}

// How many of the oldest are beyond what shall be kept, by number or by size.
std::int64_t Tender::too_many() {
  Rows counted = dead_count_.query();
  const std::int64_t count = counted.next() ? counted.integer(0) : 0;
  std::int64_t kept = count;
  if (settings_.dead_max_count > 0) kept = std::min(kept, settings_.dead_max_count);
  if (settings_.dead_max_bytes == 0) return count - kept;
  std::int64_t bytes = 0;
  std::int64_t fit = 0;
  for (Rows rows = dead_newest_.query(); fit < kept && rows.next(); ++fit) {
    bytes += rows.integer(0);
    if (bytes > settings_.dead_max_bytes) break;
  }
  return count - fit;
}

// Nobody has written since the last time: the log is moved into the database now, so that no
// enqueue has to. PASSIVE: it waits for nobody.
void Tender::checkpoint_when_idle() {
  Rows rows = data_version_.query();
  const std::int64_t version = rows.next() ? rows.integer(0) : 0;
  const bool idle = version == version_;
  version_ = version;
  if (!idle || version == checkpointed_) return;
  sqlite3_wal_checkpoint_v2(connection_.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr,
                            nullptr);
  checkpointed_ = version;
}

std::int64_t Tender::again_in_us(const sdk::Deadline& deadline) {
  if (cut_short_ || deadline.passed()) return 1;
  const std::int64_t now_us = host_.now_us();
  std::int64_t again = leases_.count() > 1 ? kLookAfterNeighboursUs : 0;
  for (std::int64_t queue = due_.next_queue(0); queue != 0; queue = due_.next_queue(queue)) {
    const std::int64_t in = std::max<std::int64_t>(1, due_.next(queue) - now_us);
    again = again == 0 ? in : std::min(again, in);
  }
  return again;
}

}  // namespace gander::sqlite
