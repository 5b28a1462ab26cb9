#include "exchange.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>

#include "error.h"

namespace gander::redis {
namespace {

// KEYS   live, held:<incarnation>, ids, paused, holes, queues, and of each queue what queue_at()
//        names
// ARGV   incarnation, its lease in us, number of queues, their names,
//        number of acks, their ids,
//        number of successors, each: 'front', 'retry', 'sched' or 'dead'; queue; when; message,
//        number of takes, each: queue, at most so many,
//        bytes of bodies at most (0: any), due messages to promote at most
// reply  nothing, when the incarnation has ended; else
//        {when the next falls due, places of successors that came too late, messages}
// keeps  a message is at one place: it is put into the new one before it leaves the old one, and
//        only if the incarnation held it
//
// An ack of what is not held says that somebody deletes keys: the session counts what it holds.
constexpr Script kExchange{Script::Kind::always, R"lua(
local live, held, ids, paused, holes, queues =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local incarnation = ARGV[1]
if not call('ZSCORE', live, incarnation) then return {} end
call('ZADD', live, 'XX', text(now + ARGV[2]), incarnation)
local names, at = 3, 4 + ARGV[3]

local acks = tonumber(ARGV[at])
if acks > 0 then
  call('HDEL', held, unpack(ARGV, at + 1, at + acks))
  call('SREM', ids, unpack(ARGV, at + 1, at + acks))
end
at = at + acks + 1

local late, woken = {}, {}
local successors = tonumber(ARGV[at])
for i = 1, successors do
  local word, n, when, message = ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3], ARGV[at + 4]
  at = at + 4
  local id = sub(message, 5, 20)
  if call('HEXISTS', held, id) == 0 then
    late[#late + 1] = i
  else
    local q = queue_at(6, n)
    if word == 'dead' then
      call('HSET', q.dead, id, message)
      call('ZADD', q.died, when == '0' and text(now) or when, id)
    elseif word ~= 'front' and tonumber(when) > now then
      call('HSET', q.later, id, message)
      call('ZADD', q[word], when, id)
    else
      call('RPUSH', ready_list(q, message), message)
    end
    call('HDEL', held, id)
    woken[n] = q
  end
end
at = at + 1
for n, q in pairs(woken) do
  call('SADD', queues, ARGV[names + n])
  ring(q)
end

local takes = tonumber(ARGV[at])
local first_take = at + 1
at = at + 1 + takes * 2
local bytes_left, limit = tonumber(ARGV[at]), ARGV[at + 1]
if bytes_left == 0 then bytes_left = 1e15 end
local taken, due = {}, 0

-- What is beyond the allowed bytes goes back to where it was; the first message is always kept. A
-- message counts whole, as its length is at hand and that of its body would have to be unpacked.
local function give_up(popped, list)
  local kept = 0
  for i, message in ipairs(popped) do
    if kept + #taken > 0 and bytes_left < #message then
      for back = #popped, i, -1 do call('RPUSH', list, popped[back]) end
      bytes_left = 0
      for over = #popped, i, -1 do popped[over] = nil end
      return
    end
    bytes_left = bytes_left - #message
    kept = kept + 1
  end
end

local function take(list, most)
  local popped = call('RPOP', list, most)
  if not popped then return 0 end
  local came = #popped
  local bytes = 0
  for i = came, 1, -1 do
    local size = #popped[i]
    bytes = bytes + size
    if size == 0 then
      table.remove(popped, i)
      call('HINCRBY', holes, list, -1)
    end
  end
  if bytes > bytes_left then give_up(popped, list) else bytes_left = bytes_left - bytes end
  local fields, count = {}, #taken
  for i, message in ipairs(popped) do
    fields[i * 2 - 1] = sub(message, 5, 20)
    fields[i * 2] = message
    taken[count + i] = message
  end
  for from = 1, #fields, 2000 do
    call('HSET', held, unpack(fields, from, math.min(from + 1999, #fields)))
  end
  return came
end

for i = 0, takes - 1 do
  local n, most = tonumber(ARGV[first_take + i * 2]), tonumber(ARGV[first_take + i * 2 + 1])
  local q = queue_at(6, n)
  local next = next_due(q)
  if next > 0 and next <= now then
    promote(q, limit)
    next = next_due(q)
  end
  if call('SISMEMBER', paused, ARGV[names + n]) == 0 then
    for priority = 1, 3 do
      while most > 0 and bytes_left > 0 do
        local before = #taken
        if take(q.ready[priority], most) == 0 then break end
        most = most - (#taken - before)
      end
    end
  end
  if next > 0 and (due == 0 or next < due) then due = next end
end
return {text(due), late, taken}
)lua"};

constexpr std::int64_t kPromotePerExchange = 500;
// However much room the host has: others wait while a script runs.
constexpr std::uint32_t kMostPerTake = 2000;

}  // namespace

Exchanger::Exchanger(Instance& instance, Connection& connection, std::string_view incarnation)
    : instance_(instance),
      connection_(connection),
      incarnation_(incarnation),
      held_key_(instance.keys.held(incarnation)) {}

sdk::Taken Exchanger::exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) {
  connection_.begin_call(deadline);
  plan(exchange);
  const Keys& keys = instance_.keys;
  ScriptCall script(kExchange);
  script.key(keys.live).key(held_key_).key(keys.ids).key(keys.paused).key(keys.holes);
  script.key(keys.queues);
  for (const QueueKeys& queue : queues_) queue.pass_to(script);
  script.arg(incarnation_).arg(instance_.settings.lease_us);
  script.arg(static_cast<std::int64_t>(queues_.size()));
  for (const QueueKeys& queue : queues_) script.arg(queue.name);
  add_settles(script, exchange);
  add_takes(script, exchange);
  const Reply reply = connection_.run(script, "exchange");
  if (reply.size() != 3) throw lease_lost(connection_.where(), incarnation_);
  read_verdicts(reply[1], exchange);
  return {read_taken(reply[2]), reply[0].integer()};
}

void Exchanger::add_takes(ScriptCall& script, const sdk::Exchange& exchange) {
  script.arg(static_cast<std::int64_t>(exchange.takes.size()));
  for (const gander_take* take : exchange.takes) {
    script.arg(static_cast<std::int64_t>(queue_no(sdk::view(take->queue))));
    script.arg(std::int64_t{std::min(take->max_messages, kMostPerTake)});
  }
  script.arg(static_cast<std::int64_t>(exchange.max_bytes)).arg(kPromotePerExchange);
}

std::unique_ptr<sdk::Batch> Exchanger::read_taken(const ReplyView& taken) {
  if (taken.size() == 0) return nullptr;
  auto batch = std::make_unique<sdk::Batch>();
  batch->reserve(taken.size());
  for (std::size_t i = 0; i < taken.size(); ++i) {
    // It stays with this incarnation and is set aside at its end; those that came with it are not
    // to suffer.
    auto m = sdk::find_message(taken[i].text());
    if (!m) continue;
    held_.add(*m);
    batch->add(*m);
  }
  return batch;
}

}  // namespace gander::redis
