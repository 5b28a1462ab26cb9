#include "enqueue.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>

#include "error.h"

namespace gander::redis {
namespace {

// KEYS   ids, queues, and of each queue what queue_at() names
// ARGV   number of queues, their names, then runs of messages until the end:
//          queue, priority, 'front' or 'back', 0, n, n messages: now
//          queue, priority, 'front' or 'back', due, 1, message: when due; by then, now
// reply  the places, from 1, of those that were not stored because their id is
// keeps  an id is in `ids` exactly while its message is in a list, a hash of those to come, a hash
//        of dead letters, or held by an incarnation
//
// One SADD says for all of a run whether they are new; it is asked one by one only when not.
constexpr Script kEnqueue{Script::Kind::writes, R"lua(
local ids, queues = KEYS[1], KEYS[2]
local count = tonumber(ARGV[1])
local touched, place, duplicates = {}, 0, {}
local at = count + 2

local function store(q, list, push, due, first, last)
  local pushed
  if due > now then
    local id = sub(ARGV[first], 5, 20)
    pushed = redis.pcall('HSET', q.later, id, ARGV[first])
    if not (type(pushed) == 'table' and pushed.err) then
      pushed = redis.pcall('ZADD', q.sched, text(due), id)
    end
  else
    pushed = redis.pcall(push, list, unpack(ARGV, first, last))
  end
  if type(pushed) == 'table' and pushed.err then
    for i = first, last do call('SREM', ids, sub(ARGV[i], 5, 20)) end
    return pushed
  end
end

local function all_new(first, last)
  local mine = {}
  for i = first, last do mine[#mine + 1] = sub(ARGV[i], 5, 20) end
  for _, known in ipairs(call('SMISMEMBER', ids, unpack(mine))) do
    if known == 1 then return false end
  end
  if call('SADD', ids, unpack(mine)) == #mine then return true end
  call('SREM', ids, unpack(mine)) -- one of them twice in this very batch
  return false
end

while at <= #ARGV do
  local n, q = tonumber(ARGV[at]), nil
  q = queue_at(2, n)
  local list = q.ready[tonumber(ARGV[at + 1]) + 1]
  local push = ARGV[at + 2] == 'front' and 'RPUSH' or 'LPUSH'
  local due, size = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local first, last = at + 5, at + 4 + size
  touched[n] = q
  local problem
  if all_new(first, last) then
    problem = store(q, list, push, due, first, last)
  else
    for i = first, last do
      if call('SADD', ids, sub(ARGV[i], 5, 20)) == 1 then
        problem = problem or store(q, list, push, due, i, i)
      else
        duplicates[#duplicates + 1] = place + i - first + 1
      end
    end
  end
  if problem then return problem end
  place = place + size
  at = last + 1
end
for n, q in pairs(touched) do
  call('SADD', queues, ARGV[n + 1])
  ring(q)
end
return duplicates
)lua"};

struct Run {
  std::size_t queue, first, count;
};

bool same_run(const gander_message& a, const gander_message& b) {
  return a.run_at_us == 0 && b.run_at_us == 0 && a.priority == b.priority &&
         (a.flags & GANDER_MESSAGE_FRONT) == (b.flags & GANDER_MESSAGE_FRONT) &&
         sdk::view(a.queue) == sdk::view(b.queue);
}

// A run is at most this long: Lua passes no more than some 8000 values to a call.
constexpr std::size_t kLongestRun = 1000;

}  // namespace

void Enqueuer::encode(sdk::Messages messages) {
  bytes_.clear();
  starts_.clear();
  for (const gander_message* m : messages) {
    starts_.push_back(bytes_.size());
    sdk::write_message(*m, sdk::view(m->queue), 0, bytes_);
  }
  starts_.push_back(bytes_.size());
}

void Enqueuer::enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
                       const sdk::Deadline& deadline) {
  if (messages.empty()) return;
  connection_.begin_call(deadline);
  encode(messages);
  std::vector<QueueKeys> queues;
  std::vector<Run> runs;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!runs.empty() && runs.back().count < kLongestRun &&
        same_run(*messages[i - 1], *messages[i])) {
      ++runs.back().count;
      continue;
    }
    const std::string_view name = sdk::view(messages[i]->queue);
    const auto known = std::ranges::find(queues, name, &QueueKeys::name);
    runs.push_back({static_cast<std::size_t>(known - queues.begin()), i, 1});
    if (known == queues.end()) queues.emplace_back(instance_.keys, name);
  }
  ScriptCall script(kEnqueue);
  script.key(instance_.keys.ids).key(instance_.keys.queues);
  for (const QueueKeys& queue : queues) queue.pass_to(script);
  script.arg(static_cast<std::int64_t>(queues.size()));
  for (const QueueKeys& queue : queues) script.arg(queue.name);
  for (const Run& run : runs) {
    const gander_message& m = *messages[run.first];
    script.arg(static_cast<std::int64_t>(run.queue + 1)).arg(std::int64_t{m.priority});
    script.arg((m.flags & GANDER_MESSAGE_FRONT) != 0 ? "front" : "back").arg(m.run_at_us);
    script.arg(static_cast<std::int64_t>(run.count));
    for (std::size_t i = run.first; i < run.first + run.count; ++i)
      script.arg(std::string_view(bytes_).substr(starts_[i], starts_[i + 1] - starts_[i]));
  }
  const Reply reply = connection_.run(script, "enqueue");
  std::ranges::fill(verdicts, GANDER_OK);
  for (std::size_t i = 0; i < reply.size(); ++i)
    verdicts[static_cast<std::size_t>(reply[i].integer() - 1)] = GANDER_DUPLICATE;
  if (instance_.settings.wait_replicas > 0) wait_for_replicas();
}

// Stored, but not where it was to be: the caller repeats it, is told DUPLICATE, and has waited for
// the replicas again.
void Enqueuer::wait_for_replicas() {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      connection_.until() - std::chrono::steady_clock::now());
  const std::int64_t patience =
      std::clamp<std::int64_t>(left.count() / 2, 1, instance_.settings.wait_timeout_ms);
  const std::int64_t wanted = instance_.settings.wait_replicas;
  const Reply reply =
      connection_.call(Command{"WAIT"}.add(wanted).add(patience), "waiting for the replicas");
  if (reply.view().integer() >= wanted) return;
  throw sdk::Error(GANDER_UNAVAILABLE,
                   connection_.where() + ": enqueue: " + std::to_string(reply.view().integer()) +
                       " of " + std::to_string(wanted) + " replicas had it after " +
                       std::to_string(patience) + " ms; see INFO replication",
                   GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED);
}

}  // namespace gander::redis
