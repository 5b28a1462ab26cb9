#include "manage.h"

#include <algorithm>

#include "transaction.h"

namespace gander::postgres {
namespace {

constexpr std::size_t kChunk = 200;

// In: ids. Out: the messages, whole, and the server's clock. Keeps: what is leased is left alone.
std::string take_out_sql() {
  const std::string columns = kMessageColumns;
  const auto from = [&](const char* name, const char* table) {
    return std::string(name) + " AS (DELETE FROM " + table +
           " WHERE id=ANY($1::uuid[]) RETURNING " + columns + ")";
  };
  return "WITH " + from("r", "@ready") + ", " + from("s", "@sched") + ", " + from("d", "@dead") +
         " SELECT " + columns + ", " + kNow + " FROM (SELECT * FROM r UNION ALL SELECT * FROM s " +
         "UNION ALL SELECT * FROM d) x";
}

constexpr const char* kLeased =
    "SELECT f.id FROM @worker w CROSS JOIN LATERAL (SELECT x.id FROM @inflight x WHERE "
    "x.worker=w.no AND x.id=ANY($1::uuid[]) OFFSET 0) f";

// In: messages, whole, in the order in which they shall be moved. $8: the state, $9: due or died,
// $10: whether to the front.
constexpr const char* kPutReady =
    "INSERT INTO @ready(seq, enqueued_at, lane, id, tally, more, body) SELECT CASE WHEN $7 THEN "
    "nextval('@front') ELSE nextval('@back') END, n.* FROM unnest($1::bigint[], $2::int[], "
    "$3::uuid[], $4::bigint[], $5::bytea[], $6::bytea[]) AS n ON CONFLICT (id) DO NOTHING";
constexpr const char* kPutScheduled =
    "INSERT INTO @sched(due, seq, state, queue, enqueued_at, lane, id, tally, more, body) SELECT "
    "$7::bigint, nextval('@back'), 2, n.lane/4, n.* FROM unnest($1::bigint[], $2::int[], "
    "$3::uuid[], $4::bigint[], $5::bytea[], $6::bytea[]) AS n(at, lane, id, tally, more, body) "
    "ON CONFLICT (id) DO NOTHING";
constexpr const char* kPutDead =
    "INSERT INTO @dead(died, seq, queue, enqueued_at, lane, id, tally, more, body) SELECT "
    "$7::bigint, nextval('@back'), n.lane/4, n.* FROM unnest($1::bigint[], $2::int[], $3::uuid[], "
    "$4::bigint[], $5::bytea[], $6::bytea[]) AS n(at, lane, id, tally, more, body) "
    "ON CONFLICT (id) DO NOTHING";

// What the move makes of a message. `state` becomes where it goes.
gander_message moved(gander_message m, const gander_move_req& request, std::int64_t now_us) {
  if ((request.flags & GANDER_MOVE_RESET_COUNTERS) != 0)
    m.attempts = m.crashes = 0, m.first_failed_at_us = m.failed_at_us = 0;
  m.state = request.to_state;
  if (m.state == GANDER_STATE_DEAD) {
    m.failed_at_us = now_us;
    if (request.note.len != 0) m.note = request.note;
  } else if (m.state == GANDER_STATE_SCHEDULED && request.run_at_us > now_us) {
    m.run_at_us = request.run_at_us;
  } else {
    m.state = GANDER_STATE_READY;
  }
  return m;
}

// The messages on their way back, column by column.
struct Columns {
  Array enqueued{Type::int8}, lanes{Type::int4}, ids{Type::uuid}, tallies{Type::int8},
      more{Type::bytes}, bodies{Type::bytes};

  void add(const gander_message& m, std::int32_t lane) {
    enqueued.add_int8(m.enqueued_at_us);
    lanes.add_int4(lane);
    ids.add(view(m.id));
    add_tally(tallies, m);
    add_more(more, m);
    bodies.add(sdk::view(m.body));
  }
  Params params() {
    Params p;
    p.add(enqueued).add(lanes).add(ids).add(tallies).add(more).add(bodies);
    return p;
  }
};

void cut_short(const Connection& c, std::size_t done, std::size_t count) {
  throw sdk::Error(GANDER_TIMEOUT,
                   c.where() + ": " + std::to_string(done) + " of " + std::to_string(count) +
                       " done; the verdicts tell which",
                   GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED);
}

}  // namespace

// In two steps: a claim that began before the pause was seen may still end after it, so the second
// waits until all claims that run have ended. New ones see the pause.
void Manager::pause(std::string_view queue, bool paused, const sdk::Deadline& deadline) {
  const std::int32_t no = queues_.find_or_add(queue, deadline);
  connection_.run(
      std::string("UPDATE @queue SET paused=") + (paused ? "true" : "false") + " WHERE no=$1::int",
      deadline, Params().add_int4(no));
  if (!paused) return bell_.ring(no);
  Transaction transaction(connection_, deadline);
  connection_.run("LOCK TABLE @ready IN SHARE MODE", deadline);
  transaction.commit();
}

Result Manager::take_out(Ids ids, sdk::Verdicts verdicts, const sdk::Deadline& deadline) {
  Array list(Type::uuid);
  for (const gander_id& id : ids) list.add(view(id));
  Trip trip(connection_, deadline);
  trip.add(connection_.expanded(take_out_sql()), Params().add(list));
  trip.add(connection_.expanded(kLeased), Params().add(list));
  std::vector<Result> results = trip.finish();
  std::fill(verdicts.begin(), verdicts.end(), GANDER_NOT_FOUND);
  const auto mark = [&](const Result& rows, int column, gander_status verdict) {
    for (int row = 0; row < rows.rows(); ++row)
      for (std::size_t i = 0; i < ids.size(); ++i)
        if (rows.bytes(row, column) == view(ids[i])) verdicts[i] = verdict;
  };
  mark(results[1], 0, GANDER_INVALID_STATE);
  mark(results[0], kId, GANDER_OK);
  return std::move(results[0]);
}

void Manager::move(const gander_move_req& request, sdk::Verdicts verdicts,
                   const sdk::Deadline& deadline) {
  const std::string_view name = sdk::view(request.to_queue);
  const std::int32_t to = name.empty() ? 0 : queues_.find_or_add(name, deadline);
  const Ids ids{request.ids, request.count};
  for (std::size_t done = 0; done < ids.size(); done += kChunk) {
    if (deadline.passed()) cut_short(connection_, done, ids.size());
    const std::size_t n = std::min(kChunk, ids.size() - done);
    move_chunk(request, to, ids.subspan(done, n), verdicts.subspan(done, n), deadline);
  }
}

void Manager::move_chunk(const gander_move_req& request, std::int32_t to, Ids ids,
                         sdk::Verdicts verdicts, const sdk::Deadline& deadline) {
  std::vector<std::int32_t> woken;
  Transaction transaction(connection_, deadline);
  const Result out = take_out(ids, verdicts, deadline);
  // In the order of the request, which is the order at the front.
  std::vector<std::pair<std::size_t, int>> order;
  for (int row = 0; row < out.rows(); ++row)
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (out.bytes(row, kId) == view(ids[i])) {
        order.emplace_back(i, row);
        break;
      }
  std::sort(order.begin(), order.end());
  Columns columns;
  std::uint32_t state = GANDER_STATE_READY;
  std::int64_t now_us = 0;
  for (const auto& [i, row] : order) {
    now_us = out.integer(row, kMessageColumnCount);
    const auto was = static_cast<std::int32_t>(out.integer(row, kLane));
    const gander_message m = moved(read_message(out, row, {}), request, now_us);
    state = m.state;
    const std::int32_t queue = to != 0 ? to : queue_of(was);
    columns.add(m, lane_of(queue, m.priority));
    if (std::find(woken.begin(), woken.end(), queue) == woken.end()) woken.push_back(queue);
  }
  Params params = columns.params();
  if (state == GANDER_STATE_READY)
    params.add((request.flags & GANDER_MOVE_FRONT) != 0 ? std::string_view("\1", 1)
                                                        : std::string_view("\0", 1));
  else
    params.add_int8(state == GANDER_STATE_DEAD ? now_us : request.run_at_us);
  if (!order.empty())
    connection_.run(state == GANDER_STATE_READY       ? kPutReady
                    : state == GANDER_STATE_SCHEDULED ? kPutScheduled
                                                      : kPutDead,
                    deadline, params);
  transaction.commit();
  if (state == GANDER_STATE_READY) bell_.ring(woken);
}

void Manager::remove(Ids ids, sdk::Verdicts verdicts, const sdk::Deadline& deadline) {
  for (std::size_t done = 0; done < ids.size(); done += kChunk) {
    if (deadline.passed()) cut_short(connection_, done, ids.size());
    const std::size_t n = std::min(kChunk, ids.size() - done);
    take_out(ids.subspan(done, n), verdicts.subspan(done, n), deadline);
  }
}

}  // namespace gander::postgres
