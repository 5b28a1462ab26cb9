#include "enqueue.h"

#include <algorithm>
#include <unordered_set>

namespace gander::postgres {
namespace {

// In: ids. Out: those that are stored already, outside of `ready`, whose own index refuses them.
// near: all ids lie between $lo and $hi, where, as they begin with the time, hardly another is.
std::string known_ids(const char* condition) {
  const std::string c(condition);
  return "ARRAY(SELECT f.id FROM @worker w CROSS JOIN LATERAL (SELECT x.id FROM @inflight x "
         "WHERE x.worker=w.no AND x.id" +
         c + " OFFSET 0) f UNION ALL SELECT id FROM @sched WHERE id" + c +
         " UNION ALL SELECT id FROM @dead WHERE id" + c + ")";
}

// In: the lane, ids, times of enqueue, bodies; with `near` also the least and the greatest id.
// Out: the ids that were stored, in the order given. Keeps: an id is stored once.
std::string plain_sql(const char* condition) {
  return "INSERT INTO @ready(seq, enqueued_at, lane, id, body) "
         "SELECT nextval('@back'), n.at, $1::int, n.id, n.body "
         "FROM unnest($2::uuid[], $3::bigint[], $4::bytea[]) AS n(id, at, body) "
         "WHERE n.id <> ALL(" +
         known_ids(condition) + ") ON CONFLICT (id) DO NOTHING RETURNING id";
}

// In: whole messages, no id twice. Out: the ids that were stored. Keeps: an id is stored once; what
// is not due by the server's clock is not ready; of several for the front the last comes first.
std::string any_sql() {
  return std::string("WITH n AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::bigint[], ") +
         "$3::bytea[], $4::int[], $5::bigint[], $6::bytea[], $7::bigint[], $8::boolean[]) "
         "WITH ORDINALITY AS n(id, at, body, lane, tally, more, due, front, ord) "
         "WHERE n.id <> ALL(" +
         known_ids("=ANY($1::uuid[])") + ")), now AS MATERIALIZED (SELECT " + kNow +
         " AS us), "
         "r AS (INSERT INTO @ready(seq, enqueued_at, lane, id, tally, more, body) "
         "SELECT CASE WHEN front THEN nextval('@front') ELSE nextval('@back') END, at, lane, id, "
         "tally, more, body FROM n WHERE due<=(SELECT us FROM now) "
         "ON CONFLICT (id) DO NOTHING RETURNING id), "
         "s AS (INSERT INTO @sched(due, seq, enqueued_at, lane, queue, state, id, tally, more, "
         "body)"
         " SELECT due, nextval('@back'), at, lane, lane/4, 2, id, tally, more, body FROM n "
         "WHERE due>(SELECT us FROM now) AND NOT EXISTS (SELECT 1 FROM @ready r WHERE r.id=n.id) "
         "ON CONFLICT (id) DO NOTHING RETURNING id) "
         "SELECT id FROM r UNION ALL SELECT id FROM s";
}

// In: ids that this transaction has just tried to store. Out: those that are stored twice now, and
// whose new copy is taken back. Keeps: an id is stored once, also when an enqueue is repeated in
// the moment in which its message is taken: the insert waits for the claim to commit, finds `ready`
// free of the id, and does not see where it went, as its snapshot is older. That of this statement
// is not. Only what the transaction itself has stored is deleted.
std::string withdraw_sql() {
  const std::string ours = "pg_current_xact_id_if_assigned()::xid";
  const auto in = [&](const char* table) {
    return std::string("SELECT id FROM ") + table + " WHERE id=ANY($1::uuid[]) AND xmin<>" + ours;
  };
  const auto take_back = [&](const char* table) {
    return std::string("DELETE FROM ") + table +
           " WHERE id=ANY(ARRAY(SELECT id FROM o)) AND xmin=" + ours + " RETURNING id";
  };
  return "WITH o AS MATERIALIZED (SELECT f.id FROM @worker w CROSS JOIN LATERAL (SELECT x.id FROM "
         "@inflight x WHERE x.worker=w.no AND x.id=ANY($1::uuid[]) OFFSET 0) f UNION ALL " +
         in("@ready") + " UNION ALL " + in("@sched") + " UNION ALL " + in("@dead") + "), r AS (" +
         take_back("@ready") + "), s AS (" + take_back("@sched") +
         ") SELECT id FROM r UNION ALL SELECT id FROM s";
}

// UUIDv7 of about the same second, as a host makes them.
bool lie_near(sdk::Messages messages) {
  std::uint64_t least = UINT64_MAX, greatest = 0;
  for (const gander_message* m : messages) {
    if (m->id.bytes[6] >> 4U != 7) return false;
    std::uint64_t ms = 0;
    for (int i = 0; i < 6; ++i) ms = ms << 8U | m->id.bytes[i];
    least = std::min(least, ms);
    greatest = std::max(greatest, ms);
  }
  return greatest - least < 1000;
}

}  // namespace

Enqueuer::Enqueuer(Connection& connection, Bell& bell, Doubt& doubt)
    : connection_(connection),
      bell_(bell),
      doubt_(doubt),
      queues_(connection),
      plain_near_(connection, plain_sql(" BETWEEN $5::uuid AND $6::uuid")),
      plain_far_(connection, plain_sql("=ANY($2::uuid[])")),
      any_(connection, any_sql()),
      withdraw_(connection, withdraw_sql()) {}

void Enqueuer::enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
                       const sdk::Deadline& deadline) {
  if (plain(messages, deadline))
    store_plain(messages, verdicts, deadline);
  else
    store_any(messages, verdicts, deadline);
}

std::int32_t Enqueuer::lane(const gander_message& m, const sdk::Deadline& deadline) {
  return lane_of(queues_.find_or_add(sdk::view(m.queue), deadline), m.priority);
}

bool Enqueuer::plain(sdk::Messages messages, const sdk::Deadline&) {
  const gander_message& first = *messages.front();
  return std::all_of(messages.begin(), messages.end(), [&](const gander_message* m) {
    return is_fresh(*m) && m->crashes == 0 && m->give_backs == 0 && m->priority == first.priority &&
           sdk::view(m->queue) == sdk::view(first.queue);
  });
}

void Enqueuer::collect_ids(sdk::Messages messages) {
  for (Array* array : {&ids_, &enqueued_, &bodies_}) array->clear();
  for (const gander_message* m : messages) {
    ids_.add(view(m->id));
    enqueued_.add_int8(m->enqueued_at_us);
    bodies_.add(sdk::view(m->body));
  }
}

Result Enqueuer::store(Statement& statement, const Params& params, const sdk::Deadline& deadline) {
  withdrawn_.clear();
  try {
    Trip trip(connection_, deadline);
    trip.add(statement, params);
    if (doubt_.raised()) trip.add(withdraw_, Params().add(ids_));
    std::vector<Result> results = trip.finish();
    if (results.size() > 1)
      for (int row = 0; row < results[1].rows(); ++row) withdrawn_.push_back(results[1].id(row, 0));
    return std::move(results.front());
  } catch (const sdk::Error& e) {
    if ((e.flags() & GANDER_ERROR_MAYBE_APPLIED) != 0) doubt_.raise();
    throw;
  }
}

void Enqueuer::mark_withdrawn(sdk::Messages messages, sdk::Verdicts verdicts) {
  for (const gander_id& id : withdrawn_)
    for (std::size_t i = 0; i < messages.size(); ++i)
      if (view(messages[i]->id) == view(id)) verdicts[i] = GANDER_DUPLICATE;
}

// The ids come back in the order given, so each message is matched by walking along.
void Enqueuer::store_plain(sdk::Messages messages, sdk::Verdicts verdicts,
                           const sdk::Deadline& deadline) {
  const std::int32_t to = lane(*messages.front(), deadline);
  collect_ids(messages);
  Params params;
  params.add_int4(to).add(ids_).add(enqueued_).add(bodies_);
  const bool near = lie_near(messages);
  if (near) {
    const auto less = [](const gander_message* a, const gander_message* b) {
      return view(a->id) < view(b->id);
    };
    const auto [least, greatest] = std::minmax_element(messages.begin(), messages.end(), less);
    params.add(view((*least)->id)).add(view((*greatest)->id));
  }
  const Result stored = store(near ? plain_near_ : plain_far_, params, deadline);
  int row = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const bool is_next = row < stored.rows() && stored.bytes(row, 0) == view(messages[i]->id);
    verdicts[i] = is_next ? GANDER_OK : GANDER_DUPLICATE;
    if (is_next) ++row;
  }
  mark_withdrawn(messages, verdicts);
  if (row > 0) bell_.ring(queue_of(to));
}

void Enqueuer::store_any(sdk::Messages messages, sdk::Verdicts verdicts,
                         const sdk::Deadline& deadline) {
  sdk::IdMap<std::size_t> first;  // of each id
  std::vector<const gander_message*> once;
  std::vector<std::int32_t> queues;
  for (Array* array : {&lanes_, &tallies_, &more_, &due_, &front_}) array->clear();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const gander_message& m = *messages[i];
    verdicts[i] = GANDER_DUPLICATE;
    if (!first.emplace(m.id, i).second) continue;
    once.push_back(&m);
    const std::int32_t to = lane(m, deadline);
    if (std::find(queues.begin(), queues.end(), queue_of(to)) == queues.end())
      queues.push_back(queue_of(to));
    lanes_.add_int4(to);
    add_tally(tallies_, m);
    add_more(more_, m);
    due_.add_int8(m.run_at_us);
    front_.add_bool((m.flags & GANDER_MESSAGE_FRONT) != 0);
  }
  collect_ids(once);
  Params params;
  params.add(ids_).add(enqueued_).add(bodies_).add(lanes_);
  params.add(tallies_).add(more_).add(due_).add(front_);
  const Result stored = store(any_, params, deadline);
  for (int row = 0; row < stored.rows(); ++row) verdicts[first.at(stored.id(row, 0))] = GANDER_OK;
  mark_withdrawn(messages, verdicts);
  bell_.ring(queues);
}

}  // namespace gander::postgres
