#include <algorithm>
#include <unordered_set>

#include "exchange.h"

namespace gander::postgres {
namespace {

enum Op : std::int32_t { kFront = 1, kRetry = 2, kSnooze = 3, kDead = 4 };

std::int64_t seq_of(const gander_message& m) { return static_cast<std::int64_t>(m.receipt[0]); }

// The rows of those deliveries in `n` that are the incarnation's own: the fence, as a delivery that
// was handed on has another worker or another seq. LATERAL and OFFSET 0 hold the planner to one
// look into the index for each; else, with the table empty when it plans, it would walk over all
// that the incarnation ever held.
std::string own_ctids(const char* given) {
  return std::string("ARRAY(SELECT f.ctid FROM ") + given +
         " CROSS JOIN LATERAL (SELECT x.ctid FROM @inflight x WHERE x.worker=$1::int AND "
         "x.id=n.id AND x.seq=n.seq OFFSET 0) f)";
}

// In: the incarnation, ids and seqs of deliveries. Out: the seqs of those that were its own.
std::string ack_sql() {
  return "DELETE FROM @inflight WHERE ctid=ANY(" +
         own_ctids("unnest($2::uuid[], $3::bigint[]) AS n(id, seq)") + ") RETURNING seq";
}

// In: the incarnation, and whole successors, in the order of the settles. Out: the place of each
// that was its own (from 1), its queue, and whether it is ready. Keeps: the fence; a successor
// exists if, and only if, its predecessor is gone; what is due by the server's clock goes to the
// front, the last settled first.
std::string replace_sql() {
  return std::string("WITH now AS MATERIALIZED (SELECT ") + kNow +
         " AS us), "
         "n AS MATERIALIZED (SELECT * FROM unnest($2::uuid[], $3::bigint[], $4::int[], "
         "$5::bigint[], $6::bytea[], $7::int[], $8::int[], $9::bigint[], $10::bytea[], "
         "$11::bigint[]) WITH ORDINALITY AS n(id, seq, op, enqueued_at, body, queue, prio, tally, "
         "more, at, ord)), "
         "gone AS (DELETE FROM @inflight f WHERE ctid=ANY(" +
         own_ctids("n") +
         ") RETURNING seq, lane/4 AS was_in), "
         "s AS MATERIALIZED (SELECT n.*, coalesce(n.queue, g.was_in) AS q, op=1 OR (op IN (2, 3) "
         "AND at<=(SELECT us FROM now)) AS "
         "ready "
         "FROM gone g JOIN n ON n.seq=g.seq), "
         "r AS (INSERT INTO @ready(seq, enqueued_at, lane, id, tally, more, body) "
         "SELECT nextval('@front'), enqueued_at, q*4+prio, id, tally, more, body "
         "FROM (SELECT * FROM s WHERE ready ORDER BY ord) x ON CONFLICT (id) DO NOTHING), "
         "l AS (INSERT INTO @sched(due, seq, enqueued_at, lane, queue, state, id, tally, more, "
         "body)"
         " SELECT at, nextval('@back'), enqueued_at, q*4+prio, q, CASE op WHEN 2 THEN 4 ELSE 2 END,"
         " id, tally, more, body FROM s WHERE op IN (2, 3) AND NOT ready "
         "ON CONFLICT (id) DO NOTHING), "
         "d AS (INSERT INTO @dead(died, seq, enqueued_at, lane, queue, id, tally, more, body) "
         "SELECT CASE at WHEN 0 THEN (SELECT us FROM now) ELSE at END, nextval('@back'), "
         "enqueued_at, q*4+prio, q, id, tally, more, body FROM s WHERE op=4 "
         "ON CONFLICT (id) DO NOTHING) "
         "SELECT ord, q, ready FROM s";
}

void check(const gander_settle& s) {
  if (s.message == nullptr)
    throw sdk::Error(GANDER_INVALID_ARGUMENT, "exchange: a settle has no message");
  if (s.op != GANDER_SETTLE_ACK && s.message->priority > GANDER_PRIORITY_LOW)
    throw sdk::Error(GANDER_INVALID_ARGUMENT, "exchange: a successor has priority " +
                                                  std::to_string(s.message->priority) +
                                                  "; there are 0, 1 and 2");
}

Op op_of(std::uint32_t op) {
  switch (op) {
    case GANDER_SETTLE_RETRY: return kRetry;
    case GANDER_SETTLE_SNOOZE: return kSnooze;
    case GANDER_SETTLE_DEAD: return kDead;
    default: return kFront;
  }
}

}  // namespace

Settler::Settler(Connection& connection, std::int32_t worker)
    : worker_(worker), ack_(connection, ack_sql()), replace_(connection, replace_sql()) {}

void Settler::prepare(const sdk::Exchange& exchange, Queues& queues,
                      const sdk::Deadline& deadline) {
  for (Array* array : {&ack_ids_, &ack_seqs_, &ids_, &seqs_, &ops_, &enqueued_, &bodies_, &queues_,
                       &priorities_, &tallies_, &more_, &times_})
    array->clear();
  ack_places_.clear();
  acked_.clear();
  places_.clear();
  repeated_.clear();
  woken_.clear();
  for (const gander_settle* s : exchange.settles) check(*s);
  find_repeated(exchange.settles);
  for (std::size_t i = 0; i < exchange.settles.size(); ++i) {
    const gander_settle& s = *exchange.settles[i];
    if (!repeated_.empty() && std::binary_search(repeated_.begin(), repeated_.end(), i)) continue;
    if (s.op == GANDER_SETTLE_ACK) {
      add_ack(*s.message, i);
      continue;
    }
    const std::string_view to =
        sdk::view(s.message->queue.len != 0 ? s.message->queue : s.from_queue);
    add_successor(s, i, to.empty() ? 0 : queues.find_or_add(to, deadline));
  }
}

// The acks go before the others, so of two verdicts for one delivery the first is picked here. A
// delivery is known by its seq alone.
void Settler::find_repeated(sdk::Settles settles) {
  seen_.clear();
  for (std::size_t i = 0; i < settles.size(); ++i)
    seen_.emplace_back(seq_of(*settles[i]->message), i);
  std::sort(seen_.begin(), seen_.end());
  for (std::size_t k = 1; k < seen_.size(); ++k)
    if (seen_[k].first == seen_[k - 1].first) repeated_.push_back(seen_[k].second);
  std::sort(repeated_.begin(), repeated_.end());
}

void Settler::add_ack(const gander_message& m, std::size_t place) {
  ack_ids_.add(view(m.id));
  ack_seqs_.add_int8(seq_of(m));
  acked_.push_back(seq_of(m));
  ack_places_.push_back(place);
}

void Settler::add_successor(const gander_settle& s, std::size_t place, std::int32_t queue) {
  const gander_message& m = *s.message;
  ids_.add(view(m.id));
  seqs_.add_int8(seq_of(m));
  ops_.add_int4(op_of(s.op));
  enqueued_.add_int8(m.enqueued_at_us);
  bodies_.add(sdk::view(m.body));
  if (queue == 0)
    queues_.add_null();
  else
    queues_.add_int4(queue);
  priorities_.add_int4(static_cast<std::int32_t>(m.priority));
  add_tally(tallies_, m);
  add_more(more_, m);
  times_.add_int8(s.op == GANDER_SETTLE_DEAD ? m.failed_at_us : m.run_at_us);
  places_.push_back(place);
}

void Settler::send(Trip& trip) {
  if (!ack_places_.empty()) trip.add(ack_, Params().add_int4(worker_).add(ack_ids_).add(ack_seqs_));
  if (!places_.empty())
    trip.add(replace_, Params()
                           .add_int4(worker_)
                           .add(ids_)
                           .add(seqs_)
                           .add(ops_)
                           .add(enqueued_)
                           .add(bodies_)
                           .add(queues_)
                           .add(priorities_)
                           .add(tallies_)
                           .add(more_)
                           .add(times_));
}

void Settler::conclude(const std::vector<Result>& results, std::size_t* at,
                       sdk::Verdicts verdicts) {
  for (const std::size_t place : repeated_) verdicts[place] = GANDER_LEASE_LOST;
  if (!ack_places_.empty()) {
    const Result& gone = results[(*at)++];
    const bool all = static_cast<std::size_t>(gone.rows()) == ack_places_.size();
    std::unordered_set<std::int64_t> seqs;
    for (int row = 0; !all && row < gone.rows(); ++row) seqs.insert(gone.integer(row, 0));
    for (std::size_t i = 0; i < ack_places_.size(); ++i)
      verdicts[ack_places_[i]] = all || seqs.count(acked_[i]) != 0 ? GANDER_OK : GANDER_LEASE_LOST;
  }
  if (places_.empty()) return;
  for (const std::size_t place : places_) verdicts[place] = GANDER_LEASE_LOST;
  const Result& done = results[(*at)++];
  for (int row = 0; row < done.rows(); ++row) {
    verdicts[places_[static_cast<std::size_t>(done.integer(row, 0) - 1)]] = GANDER_OK;
    const auto queue = static_cast<std::int32_t>(done.integer(row, 1));
    if (done.truth(row, 2) && std::find(woken_.begin(), woken_.end(), queue) == woken_.end())
      woken_.push_back(queue);
  }
}

}  // namespace gander::postgres
