#include "tend.h"

#include <algorithm>

namespace gander::redis {
namespace {

// KEYS   queues, paused, ids, and of each queue what queue_at() names
// ARGV   due messages to promote at most, age in us at which dead letters are dropped (0: none),
//        how many are kept in a queue (0: all), dead letters to drop at most, names of the queues
// reply  {promoted, dropped, in how many us the next falls due (0: none), 1 when something is left}
// keeps  what is dropped leaves `ids` too; the name of a queue is kept as long as it holds anything
constexpr Script kKeep{Script::Kind::always, R"lua(
local queues, paused, ids = KEYS[1], KEYS[2], KEYS[3]
local limit, age, most, chunk = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local promoted, dropped, due, left = 0, 0, 0, 0

local function drop(q, old)
  if #old == 0 then return end
  call('ZREM', q.died, unpack(old))
  call('HDEL', q.dead, unpack(old))
  call('SREM', ids, unpack(old))
  dropped = dropped + #old
  if #old == chunk then left = 1 end
end

for n = 1, #ARGV - 4 do
  local name, q = ARGV[4 + n], queue_at(3, n)
  local moved = promote(q, limit)
  promoted = promoted + moved
  if moved >= tonumber(limit) then left = 1 end
  if age > 0 then
    drop(q, call('ZRANGEBYSCORE', q.died, '-inf', text(now - age), 'LIMIT', 0, chunk))
  end
  local extra = most > 0 and call('ZCARD', q.died) - most or 0
  if extra > 0 then drop(q, call('ZRANGE', q.died, 0, math.min(extra, chunk) - 1)) end
  local next = next_due(q)
  if next > 0 then due = due == 0 and next or math.min(due, next) end
  if call('EXISTS', q.ready[1], q.ready[2], q.ready[3], q.later, q.dead) == 0 and
      call('SISMEMBER', paused, name) == 0 then
    call('SREM', queues, name)
    call('DEL', q.bell)
  end
end
return {promoted, dropped, due == 0 and 0 or math.max(1, due - now), left}
)lua"};

constexpr std::int64_t kPromoteAtOnce = 500;
constexpr std::int64_t kDropAtOnce = 500;
// Queues in one call: their keys go with it.
constexpr std::size_t kQueuesAtOnce = 16;

}  // namespace

gander_tend_res Tender::tend(const sdk::Deadline& deadline) {
  connection_.begin_call(deadline);
  gander_tend_res done{};
  more_ = false;
  next_in_us_ = 0;
  const Leases::Others others = leases_.renew(incarnation_);
  done.reclaimed = reclaim(others);
  keep_queues(done);
  // A neighbour that dies is found by one that comes several times within a lease.
  const std::int64_t often = instance_.settings.lease_us / 4;
  done.again_in_us = next_in_us_ == 0 ? often : std::min(often, next_in_us_);
  if (more_) done.again_in_us = 1;
  return done;
}

std::uint64_t Tender::reclaim(const Leases::Others& others) {
  std::uint64_t reclaimed = 0;
  std::vector<std::string> gone = others.gone;
  for (const std::string& name : others.expired) {
    if (leases_.retire(name, false)) gone.push_back(name);
  }
  for (const std::string& name : gone) {
    if (connection_.time_is_up()) {
      more_ = true;
      break;
    }
    reclaimed += leases_.hand_on(name, Cause::crashed);
  }
  return reclaimed;
}

void Tender::keep_queues(gander_tend_res& done) {
  const Reply reply = connection_.call({"SMEMBERS", instance_.keys.queues}, "tend");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < reply.size(); ++i) names.emplace_back(reply[i].text());
  for (std::size_t from = 0; from < names.size(); from += kQueuesAtOnce) {
    if (connection_.time_is_up()) {
      more_ = true;
      return;
    }
    keep_some(names, from, std::min(names.size(), from + kQueuesAtOnce), done);
  }
}

void Tender::keep_some(const std::vector<std::string>& names, std::size_t from, std::size_t to,
                       gander_tend_res& done) {
  const Settings& settings = instance_.settings;
  ScriptCall script(kKeep);
  script.key(instance_.keys.queues).key(instance_.keys.paused).key(instance_.keys.ids);
  std::vector<QueueKeys> queues;
  queues.reserve(to - from);
  for (std::size_t i = from; i < to; ++i) {
    queues.emplace_back(instance_.keys, names[i]);
    queues.back().pass_to(script);
  }
  script.arg(kPromoteAtOnce).arg(settings.dead_max_age_s * 1'000'000);
  script.arg(settings.dead_max_count).arg(kDropAtOnce);
  for (const QueueKeys& queue : queues) script.arg(queue.name);
  const Reply reply = connection_.run(script, "tend");
  done.promoted += static_cast<std::uint64_t>(reply[0].integer());
  done.trimmed += static_cast<std::uint64_t>(reply[1].integer());
  if (const std::int64_t in = reply[2].integer(); in > 0)
    next_in_us_ = next_in_us_ == 0 ? in : std::min(next_in_us_, in);
  more_ = more_ || reply[3].integer() != 0;
}

}  // namespace gander::redis
