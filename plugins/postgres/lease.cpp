#include "lease.h"

#include <algorithm>

namespace gander::postgres {
namespace {

// In: the incarnation, whose row is locked. Out: the queue of each message it held. Keeps: a
// message is in `inflight` or in `ready`; they come before all that waits, in the order in which
// they would have been taken.
std::string hand_back_sql(const char* tally) {
  return std::string("WITH gone AS (DELETE FROM @inflight WHERE worker=$1::int AND EXISTS ") +
         "(SELECT 1 FROM @worker WHERE no=$1::int AND expires<=$2::bigint) RETURNING *) "
         "INSERT INTO @ready(seq, enqueued_at, lane, id, tally, more, body) "
         "SELECT nextval('@front'), enqueued_at, lane, id, " +
         tally +
         ", more, body FROM (SELECT * FROM gone ORDER BY lane DESC, seq DESC) g "
         "ON CONFLICT (id) DO NOTHING RETURNING lane/4";
}

}  // namespace

Leases::Leases(Connection& connection)
    : connection_(connection),
      add_(connection, std::string("INSERT INTO @worker(name, expires) VALUES(convert_from($1::"
                                   "bytea, 'UTF8'), ") +
                           kNow + " + $2::bigint) ON CONFLICT (name) DO NOTHING RETURNING no"),
      renew_(connection, std::string("UPDATE @worker SET expires=") + kNow +
                             " + $2::bigint WHERE name=convert_from($1::bytea, 'UTF8')"),
      find_(connection, std::string("SELECT no, expires<=") + kNow +
                            " FROM @worker WHERE name=convert_from($1::bytea, 'UTF8')"),
      expired_(connection, std::string("SELECT no FROM @worker WHERE expires<=") + kNow +
                               " AND name<>convert_from($1::bytea, 'UTF8') ORDER BY no LIMIT 100"),
      count_(connection, "SELECT count(*) FROM @worker"),
      // Waits for the claim that may be running, and fails nobody.
      lock_(connection,
            std::string("SELECT ") + kNow + " FROM @worker WHERE no=$1::int FOR UPDATE"),
      crashed_(connection, hand_back_sql(kOneCrash)),
      closed_(connection, hand_back_sql(kOneGiveBack)),
      remove_(connection, "DELETE FROM @worker WHERE no=$1::int AND expires<=$2::bigint") {}

std::int32_t Leases::begin(std::string_view name, const sdk::Deadline& deadline) {
  const auto add = [&] {
    return connection_.run(add_, deadline,
                           Params().add(name).add_int8(connection_.settings().lease_us));
  };
  Result added = add();
  if (added.rows() == 0) {
    const Result found = connection_.run(find_, deadline, Params().add(name));
    if (found.rows() != 0 && found.truth(0, 1)) {
      std::vector<std::int32_t> ignored;
      end(static_cast<std::int32_t>(found.integer(0, 0)), Cause::crashed, false, &ignored,
          deadline);
      added = add();
    }
  }
  if (added.rows() == 0)
    throw sdk::Error(GANDER_INVALID_STATE, connection_.where() + ": incarnation '" +
                                               std::string(name) +
                                               "' lives already; a name is used once, by one "
                                               "process");
  return static_cast<std::int32_t>(added.integer(0, 0));
}

bool Leases::renew(std::string_view name, const sdk::Deadline& deadline) {
  const Result renewed = connection_.run(
      renew_, deadline, Params().add(name).add_int8(connection_.settings().lease_us));
  return renewed.changed() == 1;
}

std::int32_t Leases::find(std::string_view name, const sdk::Deadline& deadline) {
  const Result found = connection_.run(find_, deadline, Params().add(name));
  return found.rows() == 0 ? 0 : static_cast<std::int32_t>(found.integer(0, 0));
}

std::vector<std::int32_t> Leases::expired(std::string_view but_not, const sdk::Deadline& deadline) {
  const Result rows = connection_.run(expired_, deadline, Params().add(but_not));
  std::vector<std::int32_t> list;
  for (int row = 0; row < rows.rows(); ++row)
    list.push_back(static_cast<std::int32_t>(rows.integer(row, 0)));
  return list;
}

std::int64_t Leases::count(const sdk::Deadline& deadline) {
  return connection_.run(count_, deadline).integer(0, 0);
}

// Three statements of one transaction, as the second has to see what was committed until the first
// had its lock: in one statement a claim that was just ending would be overlooked, and its messages
// be leased to nobody for ever.
std::int64_t Leases::end(std::int32_t no, Cause cause, bool at_once,
                         std::vector<std::int32_t>* queues, const sdk::Deadline& deadline) {
  const std::int64_t expired_by =
      at_once ? INT64_MAX : connection_.run(std::string("SELECT ") + kNow, deadline).integer(0, 0);
  Trip trip(connection_, deadline);
  trip.add(lock_, Params().add_int4(no));
  trip.add(cause == Cause::crashed ? crashed_ : closed_,
           Params().add_int4(no).add_int8(expired_by));
  trip.add(remove_, Params().add_int4(no).add_int8(expired_by));
  const std::vector<Result> results = trip.finish();
  const Result& rows = results[1];
  for (int row = 0; row < rows.rows(); ++row) {
    const auto of = static_cast<std::int32_t>(rows.integer(row, 0));
    if (std::find(queues->begin(), queues->end(), of) == queues->end()) queues->push_back(of);
  }
  return rows.rows();
}

}  // namespace gander::postgres
