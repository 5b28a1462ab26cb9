#include "manage.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>

namespace gander::redis {
namespace {

// KEYS   ids, holes, queues, and what queue_at() names of the queue it is in and of the one it goes
// to ARGV   'ready', 'later' or 'dead'; id; of 'ready' the number of the list and the place in it;
//        'front', 'back', 'sched', 'dead' or 'nowhere'; when; the message as it shall be; name of
//        the queue it goes to
// reply  1, or 0 when it is no longer where it was
// keeps  one step: it is in one place, or nowhere and not in `ids`
constexpr Script kMove{Script::Kind::always, R"lua(
local ids, holes, queues = KEYS[1], KEYS[2], KEYS[3]
local from, to = queue_at(3, 1), queue_at(3, 2)
local id, target, when, message = ARGV[2], ARGV[5], ARGV[6], ARGV[7]

-- What came since stands before it now.
local function place_of(list, expected)
  for at = expected, expected + 2000 do
    local there = call('LINDEX', list, at)
    if not there then return nil end
    if sub(there, 5, 20) == id then return at end
  end
end

if ARGV[1] == 'ready' then
  local list = from.ready[tonumber(ARGV[3])]
  local at = place_of(list, tonumber(ARGV[4]))
  if not at then return 0 end
  call('LSET', list, at, '')
  call('HINCRBY', holes, list, 1)
elseif ARGV[1] == 'later' then
  if call('HDEL', from.later, id) == 0 then return 0 end
  call('ZREM', from.sched, id)
  call('ZREM', from.retry, id)
else
  if call('HDEL', from.dead, id) == 0 then return 0 end
  call('ZREM', from.died, id)
end

if target == 'nowhere' then
  call('SREM', ids, id)
  return 1
end
if target == 'dead' then
  call('HSET', to.dead, id, message)
  call('ZADD', to.died, when, id)
elseif target == 'sched' then
  call('HSET', to.later, id, message)
  call('ZADD', to.sched, when, id)
else
  call(target == 'front' and 'RPUSH' or 'LPUSH', ready_list(to, message), message)
end
call('SADD', queues, ARGV[8])
ring(to)
return 1
)lua"};

// KEYS paused, and what queue_at() names   ARGV name, '1' or '0'
constexpr Script kPause{Script::Kind::always, R"lua(
if ARGV[2] == '1' then
  call('SADD', KEYS[1], ARGV[1])
else
  call('SREM', KEYS[1], ARGV[1])
  ring(queue_at(1, 1))
end
return 1
)lua"};

// It may have moved on between being found and being moved: then it is looked for again.
constexpr int kTries = 3;
constexpr std::size_t kIdsAtOnce = 200;

const char* word_of(std::uint32_t state) {
  if (state == GANDER_STATE_READY) return "ready";
  return state == GANDER_STATE_DEAD ? "dead" : "later";
}

// The message as the request wants it, and what the script calls where it goes to.
const char* moved(gander_message& m, const gander_move_req& request, std::int64_t now_us) {
  if ((request.flags & GANDER_MOVE_RESET_COUNTERS) != 0) {
    m.attempts = m.crashes = 0;
    m.first_failed_at_us = m.failed_at_us = 0;
  }
  if (request.to_state == GANDER_STATE_DEAD) {
    m.failed_at_us = now_us;
    if (request.note.len != 0) m.note = request.note;
    return "dead";
  }
  if (request.to_state == GANDER_STATE_SCHEDULED && request.run_at_us > now_us) {
    m.run_at_us = request.run_at_us;
    return "sched";
  }
  return (request.flags & GANDER_MOVE_FRONT) != 0 ? "front" : "back";
}

}  // namespace

void Manager::pause(std::string_view queue, bool paused) {
  const QueueKeys keys(instance_.keys, queue);
  ScriptCall script(kPause);
  script.key(instance_.keys.paused);
  keys.pass_to(script);
  script.arg(queue).arg(paused ? "1" : "0");
  connection_.run(script, paused ? "pause" : "resume");
}

void Manager::move(const gander_move_req& request, sdk::Verdicts verdicts) {
  each(std::span(request.ids, request.count), &request, verdicts);
}

void Manager::remove(std::span<const gander_id> ids, sdk::Verdicts verdicts) {
  each(ids, nullptr, verdicts);
}

void Manager::each(std::span<const gander_id> ids, const gander_move_req* request,
                   sdk::Verdicts verdicts) {
  for (std::size_t from = 0; from < ids.size(); from += kIdsAtOnce) {
    const auto some = ids.subspan(from, std::min(kIdsAtOnce, ids.size() - from));
    const auto places = finder_.find(some);
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (connection_.time_is_up())
        throw sdk::Error(GANDER_TIMEOUT,
                         connection_.where() + ": " + std::to_string(from + i) + " of " +
                             std::to_string(ids.size()) + " done; the verdicts tell which",
                         GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED);
      std::optional<Place> place = places[i];
      gander_status verdict = GANDER_NOT_FOUND;
      for (int tries = 0; place && tries < kTries; ++tries) {
        verdict = apply(*place, some[i], request);
        if (verdict != GANDER_NOT_FOUND) break;
        place = finder_.find(some.subspan(i, 1)).front();
      }
      verdicts[from + i] = verdict;
    }
  }
}

gander_status Manager::apply(const Place& place, const gander_id& id,
                             const gander_move_req* request) {
  if (place.state == GANDER_STATE_LEASED) return GANDER_INVALID_STATE;
  gander_message m = sdk::read_message(place.bytes);
  const std::string_view to =
      request != nullptr && request->to_queue.len != 0 ? sdk::view(request->to_queue) : place.queue;
  std::int64_t when = 0;
  const char* target = "nowhere";
  if (request != nullptr) {
    const std::int64_t now_us = server_now();
    target = moved(m, *request, now_us);
    when = request->to_state == GANDER_STATE_DEAD ? now_us : request->run_at_us;
  }
  std::string bytes;
  sdk::write_message(m, to, 0, bytes);
  const QueueKeys from_keys(instance_.keys, place.queue), to_keys(instance_.keys, to);
  const auto list = std::ranges::find(from_keys.ready, place.list);
  ScriptCall script(kMove);
  script.key(instance_.keys.ids).key(instance_.keys.holes).key(instance_.keys.queues);
  from_keys.pass_to(script);
  to_keys.pass_to(script);
  script.arg(word_of(place.state)).arg(sdk::view(id)).arg((list - from_keys.ready.begin()) + 1);
  script.arg(place.index).arg(target).arg(when).arg(bytes).arg(to);
  return connection_.run(script, "move").view().integer() == 1 ? GANDER_OK : GANDER_NOT_FOUND;
}

std::int64_t Manager::server_now() {
  const Reply time = connection_.call({"TIME"}, "move");
  return time[0].integer() * 1'000'000 + time[1].integer();
}

}  // namespace gander::redis
