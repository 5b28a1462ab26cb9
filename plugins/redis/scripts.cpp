#include "scripts.h"

namespace gander::redis {
namespace {

// What the scripts share.
//
// queue_at(base, n): the keys of the n-th queue that was passed after `base` other keys.
// ring(q): tells those who wait that a message came; see wait.h.
// promote(q, limit): the messages that are due, to the front, the earliest the very first; returns
//   how many. They are in a list before they leave the other place.
// next_due(q): when the next one falls due, 0 for none.
constexpr const char* kShared = R"lua(
local call = redis.call
local sub = string.sub
local time = call('TIME')
local now = time[1] * 1000000 + time[2]

local function text(number) return string.format('%.0f', number) end

local function queue_at(base, n)
  local at = base + (n - 1) * 9
  return {ready = {KEYS[at + 1], KEYS[at + 2], KEYS[at + 3]}, sched = KEYS[at + 4],
          retry = KEYS[at + 5], later = KEYS[at + 6], died = KEYS[at + 7], dead = KEYS[at + 8],
          bell = KEYS[at + 9]}
end

local function ready_list(q, message) return q.ready[string.byte(message, 2) + 1] end

local function ring(q) call('XADD', q.bell, 'MAXLEN', '1', '*', 'm', '') end

local function head(zset)
  local first = call('ZRANGE', zset, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2]) or 0
end

local function next_due(q)
  local a, b = head(q.sched), head(q.retry)
  if a == 0 or (b ~= 0 and b < a) then return b end
  return a
end

local function due_of(zset, limit, due)
  local found = call('ZRANGEBYSCORE', zset, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, limit)
  for i = 1, #found, 2 do due[#due + 1] = {zset, found[i], tonumber(found[i + 1])} end
end

local function promote(q, limit)
  local due = {}
  due_of(q.sched, limit, due)
  due_of(q.retry, limit, due)
  if #due == 0 then return 0 end
  table.sort(due, function(a, b) return a[3] > b[3] end)
  for _, d in ipairs(due) do
    local message = call('HGET', q.later, d[2])
    if message then call('RPUSH', ready_list(q, message), message) end
    call('ZREM', d[1], d[2])
    call('HDEL', q.later, d[2])
  end
  ring(q)
  return #due
end
)lua";

const char* shebang(Script::Kind kind) {
  switch (kind) {
    case Script::Kind::always: return "#!lua flags=allow-oom\n";
    case Script::Kind::reads: return "#!lua flags=no-writes\n";
    default: return "#!lua\n";
  }
}

}  // namespace

std::string Script::source() const { return std::string(shebang(kind)) + kShared + body; }

const Command& ScriptCall::command(std::string_view sha) {
  command_.set(1, std::string(sha));
  command_.set(2, std::to_string(keys_));
  return command_;
}

}  // namespace gander::redis
