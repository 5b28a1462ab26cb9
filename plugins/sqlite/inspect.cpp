#include "inspect.h"

#include <charconv>
#include <map>

namespace gander::sqlite {
namespace {

constexpr std::int64_t kPage = 256;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// Where a page begins: behind the row with these keys.
struct Place {
  std::int64_t a, b, c;
};

Place place_of(std::string_view cursor, Place start) {
  if (cursor.empty()) return start;
  std::int64_t keys[3] = {0, 0, 0};
  const char* at = cursor.data();
  const char* const end = at + cursor.size();
  for (auto& key : keys) {
    const auto [next, problem] = std::from_chars(at, end, key);
    const bool last = &key == &keys[2];
    if (problem != std::errc{} || (last ? next != end : next == end || *next != '.'))
      throw sdk::Error(GANDER_INVALID_ARGUMENT,
                       "messages: '" + std::string(cursor) +
                           "' is not a cursor; pass the one that came with a message, or none");
    at = next + 1;
  }
  return {keys[0], keys[1], keys[2]};
}

// ?1 ?2 ?3 the place, ?4 the number of rows, ?5 the queue (0: all). The last three columns are the
// keys of the next place.
std::string page_sql(std::uint32_t state, bool one_queue) {
  const std::string columns = std::string("SELECT ") + kMessageColumns;
  const std::string due =
      ", m.due, m.seq, 0 FROM message m WHERE m.due IS NOT NULL AND m.state=" +
      std::to_string(state) + (one_queue ? " AND m.queue=?5" : "") +
      " AND m.due>=?1 AND (m.due, m.seq)>(?1, ?2) ORDER BY m.due, m.state, m.seq LIMIT ?4";
  switch (state) {
    case GANDER_STATE_READY:
      return columns +
             ", r.queue, r.prio, r.pos FROM ready r CROSS JOIN message m ON m.seq=r.seq " +
             (one_queue ? "WHERE r.queue=?5 AND (r.prio, r.pos)>(?2, ?3) "
                        : "WHERE (r.queue, r.prio, r.pos)>(?1, ?2, ?3) ") +
             "ORDER BY r.queue, r.prio, r.pos LIMIT ?4";
    case GANDER_STATE_LEASED:
      return columns +
             ", l.seq, 0, 0 FROM lease l CROSS JOIN message m ON m.seq=l.seq WHERE l.seq>?1" +
             (one_queue ? " AND m.queue=?5" : "") + " ORDER BY l.seq LIMIT ?4";
    case GANDER_STATE_DEAD:
      return columns + ", m.died, m.seq, 0 FROM message m WHERE m.died IS NOT NULL" +
             (one_queue ? " AND m.queue=?5" : "") +
             " AND m.died<=?1 AND (m.died, m.seq)<(?1, ?2) ORDER BY m.died DESC, m.seq DESC LIMIT "
             "?4";
    default: return columns + due;
  }
}

Place start_of(std::uint32_t state) {
  if (state == GANDER_STATE_READY) return {-1, -1, std::numeric_limits<std::int64_t>::min()};
  if (state == GANDER_STATE_DEAD) return {kMost, kMost, 0};
  return {std::numeric_limits<std::int64_t>::min(), 0, 0};
}

// One view of all tables, while the counts are made.
class Snapshot {
 public:
  explicit Snapshot(Connection& connection) : connection_(connection) { connection.exec("BEGIN"); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() { sqlite3_exec(connection_.handle(), "COMMIT", nullptr, nullptr, nullptr); }

 private:
  Connection& connection_;
};

struct Listed {
  std::int64_t no;
  gander_queue_stat stat;
  std::string name;
};

// Queue by queue, each counted from the index that holds just those.
using Counts = std::map<std::int64_t, gander_queue_stat>;
void count_into(Connection& connection, Counts& counts, const char* sql,
                std::int64_t gander_queue_stat::*field) {
  Statement statement(connection, sql);
  for (Rows rows = statement.query(); rows.next();)
    counts[rows.integer(0)].*field = rows.integer(1);
}

Counts count_all(Connection& c) {
  Counts counts;
  count_into(c, counts, "SELECT queue, count(*) FROM ready GROUP BY queue",
             &gander_queue_stat::ready);
  count_into(c, counts,
             "SELECT m.queue, count(*) FROM lease l CROSS JOIN message m ON m.seq=l.seq "
             "GROUP BY m.queue",
             &gander_queue_stat::leased);
  count_into(c, counts,
             "SELECT queue, count(*) FROM message WHERE due IS NOT NULL AND state=2 GROUP BY queue",
             &gander_queue_stat::scheduled);
  count_into(c, counts,
             "SELECT queue, count(*) FROM message WHERE due IS NOT NULL AND state=4 GROUP BY queue",
             &gander_queue_stat::retry);
  count_into(c, counts, "SELECT queue, count(*) FROM message WHERE died IS NOT NULL GROUP BY queue",
             &gander_queue_stat::dead);
  return counts;
}

// The first of each priority, of those at the front and of those behind them.
std::int64_t oldest_ready(Statement& head, std::int64_t queue) {
  std::int64_t oldest = 0;
  for (int priority = GANDER_PRIORITY_HIGH; priority <= GANDER_PRIORITY_LOW; ++priority) {
    for (const std::int64_t from : {std::numeric_limits<std::int64_t>::min(), std::int64_t{0}}) {
      Rows rows = head.query(queue, priority, from);
      if (!rows.next()) continue;
      const std::int64_t at = rows.integer(0);
      oldest = oldest == 0 ? at : std::min(oldest, at);
    }
  }
  return oldest;
}

}  // namespace

Inspector::Inspector(Connection& connection, Queues& queues)
    : connection_(connection), queues_(queues) {}

void Inspector::queues(const sdk::QueueVisitor& visit) {
  std::vector<Listed> list;
  {
    const Snapshot snapshot(connection_);
    const Counts counts = count_all(connection_);
    Statement names(connection_, "SELECT no, name, paused FROM queue ORDER BY name");
    Statement head(connection_,
                   "SELECT m.enqueued_at FROM ready r CROSS JOIN message m ON m.seq=r.seq "
                   "WHERE r.queue=?1 AND r.prio=?2 AND r.pos>=?3 ORDER BY r.pos LIMIT 1");
    for (Rows rows = names.query(); rows.next();) {
      const auto counted = counts.find(rows.integer(0));
      gander_queue_stat stat = counted != counts.end() ? counted->second : gander_queue_stat{};
      stat.struct_size = sizeof stat;
      stat.paused = rows.small(2);
      if (counted == counts.end() && stat.paused == 0) continue;
      if (stat.ready > 0) stat.oldest_ready_us = oldest_ready(head, rows.integer(0));
      list.push_back({rows.integer(0), stat, std::string(rows.text(1))});
    }
  }
  for (Listed& listed : list) {
    listed.stat.queue = sdk::str(listed.name);
    if (!visit(listed.stat)) return;
  }
}

void Inspector::messages(std::string_view queue, std::uint32_t state, std::string_view after,
                         std::uint32_t limit, const sdk::MessageVisitor& visit) {
  std::int64_t left = limit;
  std::string cursor(after);
  while (left > 0) {
    const std::int64_t size = std::min(left, kPage);
    const std::vector<Copy> copies = page(queue, state, cursor, size);
    for (const Copy& copy : copies) {
      if (!show(copy, visit)) return;
    }
    if (static_cast<std::int64_t>(copies.size()) < size) return;
    cursor = copies.back().cursor;
    left -= size;
  }
}

std::vector<Inspector::Copy> Inspector::page(std::string_view queue, std::uint32_t state,
                                             const std::string& after, std::int64_t size) {
  const Place from = place_of(after, start_of(state));
  const std::int64_t no = queue.empty() ? 0 : queues_.find(queue);
  if (!queue.empty() && no == 0) return {};
  Statement statement(connection_, page_sql(state, no != 0));
  std::vector<Copy> copies;
  copies.reserve(static_cast<std::size_t>(size));
  Rows rows = no != 0 ? statement.query(from.a, from.b, from.c, size, no)
                      : statement.query(from.a, from.b, from.c, size);
  while (rows.next()) {
    copies.push_back(copy(rows, state));
    const int keys = kMessageColumnCount;
    copies.back().cursor = std::to_string(rows.integer(keys)) + "." +
                           std::to_string(rows.integer(keys + 1)) + "." +
                           std::to_string(rows.integer(keys + 2));
  }
  return copies;
}

void Inspector::get(const gander_id& id, const sdk::MessageVisitor& visit) {
  Copy found;
  {
    Statement statement(connection_,
                        std::string("SELECT ") + kMessageColumns +
                            ", CASE WHEN l.seq IS NULL THEN m.state ELSE 3 END "
                            "FROM message m LEFT JOIN lease l ON l.seq=m.seq WHERE m.id=?1");
    Rows rows = statement.query(blob(id));
    if (!rows.next())
      throw sdk::Error(GANDER_NOT_FOUND, connection_.path() + " holds no message of that id");
    found = copy(rows, rows.small(kMessageColumnCount));
  }
  show(found, visit);
}

Inspector::Copy Inspector::copy(const Rows& rows, std::uint32_t state) {
  const gander_message m = read_message(rows, queues_);
  Copy copy{m,
            std::string(sdk::view(m.queue)),
            std::string(sdk::view(m.note)),
            std::string(sdk::view(m.body)),
            {}};
  copy.message.state = state;
  return copy;
}

bool Inspector::show(const Copy& copy, const sdk::MessageVisitor& visit) {
  gander_message m = copy.message;
  m.queue = sdk::str(copy.queue);
  m.note = sdk::str(copy.note);
  m.body = sdk::bytes(copy.body);
  return visit(m, copy.cursor);
}

}  // namespace gander::sqlite
