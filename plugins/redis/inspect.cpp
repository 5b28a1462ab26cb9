#include "inspect.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>

namespace gander::redis {
namespace {

// KEYS   paused, holes, and of each queue what queue_at() names   ARGV names of the queues
// reply  for each: ready, scheduled, retry, dead, enqueued-at of the one longest ready, paused
//
// Longest ready is, of each list, the one at its front; behind those put to the front another may
// be older, which only reading the list would tell.
constexpr Script kStat{Script::Kind::reads, R"lua(
local paused, holes = KEYS[1], KEYS[2]
local function oldest(list)
  for i = -1, -20, -1 do
    local message = call('LINDEX', list, i)
    if not message then return nil end
    if #message > 0 then return struct.unpack('<i8', message, 33) end
  end
end
local stats = {}
for n, name in ipairs(ARGV) do
  local q, ready, first = queue_at(2, n), 0, 0
  for _, list in ipairs(q.ready) do
    ready = ready + call('LLEN', list) - tonumber(call('HGET', holes, list) or 0)
    local at = oldest(list)
    if at and (first == 0 or at < first) then first = at end
  end
  for _, value in ipairs({ready, call('ZCARD', q.sched), call('ZCARD', q.retry),
                          call('ZCARD', q.died), text(first), call('SISMEMBER', paused, name)}) do
    stats[#stats + 1] = value
  end
end
return stats
)lua"};

// KEYS held:<incarnation>   ARGV cursor of HSCAN, how many about
// reply {next cursor, name of a queue, how many of it, ...}
constexpr Script kCountHeld{Script::Kind::reads, R"lua(
local page = call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local counts, reply = {}, {page[1]}
for i = 2, #page[2], 2 do
  local message = page[2][i]
  local name = sub(message, 41, 40 + string.byte(message, 4))
  counts[name] = (counts[name] or 0) + 1
end
for name, count in pairs(counts) do
  reply[#reply + 1] = name
  reply[#reply + 1] = count
end
return reply
)lua"};

constexpr std::size_t kQueuesAtOnce = 16;
constexpr std::int64_t kHeldAtOnce = 200;
constexpr std::size_t kColumns = 6;

gander_queue_stat stat_of(const Reply& reply, std::size_t at) {
  gander_queue_stat stat{};
  stat.struct_size = sizeof stat;
  stat.ready = reply[at].integer();
  stat.scheduled = reply[at + 1].integer();
  stat.retry = reply[at + 2].integer();
  stat.dead = reply[at + 3].integer();
  stat.oldest_ready_us = reply[at + 4].integer();
  stat.paused = static_cast<std::uint32_t>(reply[at + 5].integer());
  return stat;
}

bool shows(const gander_queue_stat& s) {
  return s.ready + s.scheduled + s.leased + s.retry + s.dead > 0 || s.paused != 0;
}

}  // namespace

void Inspector::queues(const sdk::QueueVisitor& visit) {
  std::map<std::string, std::int64_t> leased;
  count_leased(leased);
  std::vector<std::string> names = finder_.queue_names();
  for (const auto& [name, count] : leased) {
    if (!std::ranges::binary_search(names, name))
      names.insert(std::ranges::upper_bound(names, name), name);
  }
  for (std::size_t from = 0; from < names.size(); from += kQueuesAtOnce) {
    const std::size_t to = std::min(names.size(), from + kQueuesAtOnce);
    ScriptCall script(kStat);
    script.key(instance_.keys.paused).key(instance_.keys.holes);
    std::vector<QueueKeys> queues;
    queues.reserve(to - from);
    for (std::size_t i = from; i < to; ++i)
      queues.emplace_back(instance_.keys, names[i]).pass_to(script);
    for (const QueueKeys& queue : queues) script.arg(queue.name);
    const Reply reply = connection_.run(script, "counting");
    for (std::size_t i = from; i < to; ++i) {
      gander_queue_stat stat = stat_of(reply, (i - from) * kColumns);
      stat.queue = sdk::str(names[i]);
      if (const auto held = leased.find(names[i]); held != leased.end()) stat.leased = held->second;
      if (shows(stat) && !visit(stat)) return;
    }
  }
}

void Inspector::count_leased(std::map<std::string, std::int64_t>& counts) {
  for (const std::string& incarnation : finder_.incarnations()) {
    std::string cursor = "0";
    do {
      ScriptCall script(kCountHeld);
      script.keep_key(instance_.keys.held(incarnation)).arg(cursor).arg(kHeldAtOnce);
      const Reply page = connection_.run(script, "counting");
      for (std::size_t i = 1; i + 1 < page.size(); i += 2)
        counts[std::string(page[i].text())] += page[i + 1].integer();
      cursor = page[0].text();
    } while (cursor != "0");
  }
}

void Inspector::get(const gander_id& id, const sdk::MessageVisitor& visit) {
  const auto place = finder_.find(std::span(&id, 1)).front();
  if (!place)
    throw sdk::Error(GANDER_NOT_FOUND, connection_.where() + " holds no message of that id");
  gander_message m = sdk::read_message(place->bytes);
  m.state = place->state;
  if (m.state == GANDER_STATE_SCHEDULED)
    m.state = later_state(connection_, QueueKeys(instance_.keys, place->queue), id);
  visit(m, {});
}

}  // namespace gander::redis
