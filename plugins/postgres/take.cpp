#include <algorithm>

#include "exchange.h"

namespace gander::postgres {
namespace {

using Clock = std::chrono::steady_clock;

// Sequence numbers are given before the commit, so a lower one may show after a higher one: so far
// below the highest one taken a claim still looks every time, and below that now and then.
constexpr std::int64_t kMargin = 5000;
constexpr std::chrono::milliseconds kLookAgain{2000};
constexpr std::chrono::milliseconds kLookAgainWhenEmpty{50};
constexpr std::uint32_t kMostPerTake = 10'000;
constexpr int kPriorities = 3;

// In: the incarnation, queues and how many of each, for each queue and priority where to begin, and
// how many bytes. Out: the messages, now leased, in no order. Keeps: a message is in `ready` or in
// `inflight`; none is leased to an incarnation that has ended, whose row whoever ends it locks; a
// paused queue gives nothing; queues, priorities and the front before the back in their order.
//
// The ctids are gathered to the end before the delete runs: without MATERIALIZED and ARRAY() the
// planner may run the locking part again and again, and lock more than asked for. An empty claim
// writes nothing, so an idle worker costs no commit on the disk.
std::string take_sql(const char* on_conflict) {
  return std::string(
             "WITH c AS MATERIALIZED ("
             "SELECT x.ctid, row_number() OVER so_far AS n, sum(x.bytes) OVER so_far AS total "
             "FROM unnest($2::int[], $3::bigint[]) WITH ORDINALITY AS t(queue, most, ord) "
             "CROSS JOIN LATERAL (SELECT y.ctid, y.bytes "
             "FROM (VALUES (0, true), (0, false), (1, true), (1, false), (2, true), (2, false)) "
             "AS l(prio, front) "
             "CROSS JOIN LATERAL (SELECT r.ctid, octet_length(r.body) AS bytes "
             "FROM @ready r WHERE r.lane=t.queue*4+l.prio "
             "AND r.seq>CASE WHEN l.front THEN -9223372036854775808 "
             "ELSE ($4::bigint[])[(t.ord-1)*3+l.prio+1] END "
             "AND r.seq<CASE WHEN l.front THEN 0 ELSE 9223372036854775807 END "
             "ORDER BY r.seq LIMIT t.most FOR UPDATE SKIP LOCKED) y LIMIT t.most) x "
             "WHERE NOT (SELECT paused FROM @queue q WHERE q.no=t.queue) "
             "WINDOW so_far AS (ROWS UNBOUNDED PRECEDING)), "
             "w AS MATERIALIZED (SELECT no FROM @worker WHERE no=$1::int AND EXISTS (SELECT 1 "
             "FROM c) FOR KEY SHARE), "
             "d AS (DELETE FROM @ready r WHERE r.ctid=ANY(ARRAY(SELECT ctid FROM c WHERE n=1 OR "
             "total<=$5::bigint)) AND EXISTS (SELECT 1 FROM w) RETURNING *) "
             "INSERT INTO @inflight(seq, enqueued_at, lane, worker, id, tally, more, body) "
             "SELECT seq, enqueued_at, lane, $1::int, id, tally, more, body FROM d ") +
         on_conflict + " RETURNING " + kMessageColumns;
}

}  // namespace

Taker::Taker(Connection& connection, std::int32_t worker)
    : worker_(worker),
      take_(connection, take_sql("")),
      take_guarded_(connection, take_sql("ON CONFLICT DO NOTHING")) {}

void Taker::prepare(const sdk::Exchange& exchange, Queues& queues, const sdk::Deadline& deadline) {
  asked_.clear();
  most_.clear();
  for (const gander_take* take : exchange.takes) {
    if (take->max_messages == 0) continue;
    const std::int32_t queue = queues.find_or_add(sdk::view(take->queue), deadline);
    const std::uint32_t most = std::min(take->max_messages, kMostPerTake);
    const auto known = std::find(asked_.begin(), asked_.end(), queue);
    if (known == asked_.end()) {
      asked_.push_back(queue);
      most_.push_back(most);
    } else {
      most_[static_cast<std::size_t>(known - asked_.begin())] += most;
    }
  }
  const std::uint64_t bytes = exchange.max_bytes != 0 ? exchange.max_bytes : INT64_MAX;
  max_bytes_ = static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, INT64_MAX));
}

void Taker::send(Trip& trip) {
  queues_.clear();
  mosts_.clear();
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    queues_.add_int4(asked_[i]);
    mosts_.add_int8(most_[i]);
  }
  sent_ = Clock::now();
  put_hints();
  trip.add(guarded_ ? take_guarded_ : take_,
           Params().add_int4(worker_).add(queues_).add(mosts_).add(above_).add_int8(max_bytes_));
}

void Taker::put_hints() {
  above_.clear();
  for (const std::int32_t queue : asked_)
    for (std::uint32_t priority = 0; priority < kPriorities; ++priority) {
      Hint& hint = hints_[lane_of(queue, priority)];
      if (sent_ >= hint.look_at) {
        hint.looking = true;
        above_.add_int8(0);
      } else {
        above_.add_int8(hint.above);
      }
    }
}

// A look from the very start is made again after twenty times what it cost, so that it never costs
// more than a twentieth; when nothing came, sooner.
void Taker::learn(std::chrono::steady_clock::duration took, bool nothing) {
  for (const std::int32_t queue : asked_)
    for (std::uint32_t priority = 0; priority < kPriorities; ++priority) {
      Hint& hint = hints_[lane_of(queue, priority)];
      const auto rest = std::max<Clock::duration>(
          20 * took, nothing ? Clock::duration(kLookAgainWhenEmpty) : kLookAgain);
      if (hint.looking)
        hint.look_at = sent_ + rest;
      else if (nothing)
        hint.look_at = std::min(hint.look_at, sent_ + rest);
      hint.looking = false;
    }
}

std::unique_ptr<sdk::Batch> Taker::receive(const Result& rows, Queues& queues,
                                           const sdk::Deadline& deadline) {
  learn(Clock::now() - sent_, rows.rows() == 0);
  if (rows.rows() == 0) return nullptr;
  place_.clear();
  for (int row = 0; row < rows.rows(); ++row) {
    const auto lane = static_cast<std::int32_t>(rows.integer(row, kLane));
    const std::int64_t seq = rows.integer(row, kSeq);
    const auto asked = std::find(asked_.begin(), asked_.end(), queue_of(lane)) - asked_.begin();
    place_.emplace_back(asked, lane, seq, row);
    Hint& hint = hints_[lane];
    hint.above = std::max(hint.above, seq - kMargin);
  }
  if (!std::is_sorted(place_.begin(), place_.end())) std::sort(place_.begin(), place_.end());
  auto batch = std::make_unique<sdk::Batch>();
  batch->reserve(place_.size());
  for (const auto& [asked, lane, seq, row] : place_) {
    gander_message m = read_message(rows, row, queues.name(queue_of(lane), deadline));
    m.receipt[0] = static_cast<std::uint64_t>(seq);
    m.receipt[1] = static_cast<std::uint64_t>(worker_);
    batch->add(m);
  }
  return batch;
}

bool Taker::has_room(std::size_t taken) const {
  std::size_t most = 0;
  for (const std::uint32_t each : most_) most += each;
  return taken < most;
}

}  // namespace gander::postgres
