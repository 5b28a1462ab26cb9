#include <algorithm>

#include "manage.h"

namespace gander::redis {
namespace {

constexpr std::int64_t kChunk = 200;

// KEYS   a ready list, holes, ids
// ARGV   place to begin at, how many places, enqueued before this (0: all)
// reply  {how many places are behind that begin, at most as many as asked; how many were dropped}
//
// All of them leave from the front at once; of some, the places are emptied (manage.h).
constexpr Script kPurgeReady{Script::Kind::always, R"lua(
local list, holes, ids = KEYS[1], KEYS[2], KEYS[3]
local first, count, before = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local gone = {}
if before == 0 then
  local popped = call('RPOP', list, count) or {}
  for _, message in ipairs(popped) do
    if #message > 0 then gone[#gone + 1] = sub(message, 5, 20) end
  end
  if #popped > #gone then call('HINCRBY', holes, list, #gone - #popped) end
  if #gone > 0 then call('SREM', ids, unpack(gone)) end
  return {#popped, #gone}
end
local messages = call('LRANGE', list, first, first + count - 1)
for i, message in ipairs(messages) do
  if #message > 0 and struct.unpack('<i8', message, 33) < before then
    gone[#gone + 1] = sub(message, 5, 20)
    call('LSET', list, first + i - 1, '')
  end
end
if #gone > 0 then
  call('HINCRBY', holes, list, #gone)
  call('SREM', ids, unpack(gone))
end
return {#messages, #gone}
)lua"};

// KEYS   a set by time, the hash of its messages, ids
// ARGV   rank to begin at, how many, before this (0: all), 'died' or 'enqueued' before it
// reply  {how many were looked at, how many were dropped}
constexpr Script kPurgeTimed{Script::Kind::always, R"lua(
local times, hash, ids = KEYS[1], KEYS[2], KEYS[3]
local first, count, before = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local gone = {}
local page = call('ZRANGE', times, first, first + count - 1, 'WITHSCORES')
for i = 1, #page, 2 do
  local at = tonumber(page[i + 1])
  if before > 0 and ARGV[4] == 'enqueued' then
    at = struct.unpack('<i8', call('HGET', hash, page[i]), 33)
  end
  if before == 0 or at < before then gone[#gone + 1] = page[i] end
end
if #gone > 0 then
  call('ZREM', times, unpack(gone))
  call('HDEL', hash, unpack(gone))
  call('SREM', ids, unpack(gone))
end
return {#page / 2, #gone}
)lua"};

}  // namespace

std::uint64_t Manager::purge(std::string_view queue, std::uint32_t state, std::int64_t before_us) {
  std::vector<std::string> names{std::string(queue)};
  if (queue.empty()) names = finder_.queue_names();
  std::uint64_t dropped = 0;
  for (const std::string& name : names) {
    const QueueKeys keys(instance_.keys, name);
    bool whole = true;
    if (state == GANDER_STATE_READY) {
      for (const std::string& list : keys.ready)
        whole = whole && purge_ready(list, before_us, dropped);
    } else {
      whole = purge_timed(keys, state, before_us, dropped);
    }
    if (!whole)
      throw sdk::PartlyDone(dropped, connection_.where() + ": purge: " + std::to_string(dropped) +
                                         " were deleted in time; call again for the rest");
  }
  return dropped;
}

// False when the deadline passed first.
bool Manager::purge_ready(const std::string& list, std::int64_t before_us, std::uint64_t& dropped) {
  for (std::int64_t at = 0;;) {
    ScriptCall script(kPurgeReady);
    script.key(list).key(instance_.keys.holes).key(instance_.keys.ids);
    script.arg(at).arg(kChunk).arg(before_us);
    const Reply reply = connection_.run(script, "purge");
    dropped += static_cast<std::uint64_t>(reply[1].integer());
    if (reply[0].integer() < kChunk) return true;
    at += kChunk;
    if (connection_.time_is_up()) return false;
  }
}

bool Manager::purge_timed(const QueueKeys& queue, std::uint32_t state, std::int64_t before_us,
                          std::uint64_t& dropped) {
  const bool dead = state == GANDER_STATE_DEAD;
  const std::string& times = dead                          ? queue.died
                             : state == GANDER_STATE_RETRY ? queue.retry
                                                           : queue.sched;
  for (std::int64_t at = 0;;) {
    ScriptCall script(kPurgeTimed);
    script.key(times).key(dead ? queue.dead : queue.later).key(instance_.keys.ids);
    script.arg(at).arg(kChunk).arg(before_us).arg(dead ? "died" : "enqueued");
    const Reply reply = connection_.run(script, "purge");
    dropped += static_cast<std::uint64_t>(reply[1].integer());
    if (reply[0].integer() < kChunk) return true;
    at += reply[0].integer() - reply[1].integer();
    if (connection_.time_is_up()) return false;
  }
}

}  // namespace gander::redis
