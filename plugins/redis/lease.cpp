#include "lease.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>

#include "error.h"

namespace gander::redis {
namespace {

// KEYS live, gone, held:<incarnation>   ARGV incarnation, lease in us   reply 1, or 0 when it is
// used
constexpr Script kBegin{Script::Kind::writes, R"lua(
if call('ZSCORE', KEYS[1], ARGV[1]) or call('ZSCORE', KEYS[2], ARGV[1]) or
    call('EXISTS', KEYS[3]) == 1 then return 0 end
return call('ZADD', KEYS[1], text(now + ARGV[2]), ARGV[1])
)lua"};

// KEYS live, gone   ARGV incarnation, lease in us, patience in us
// reply nothing when it has ended, else {names over their time, names gone for longer than the
//       patience, how many live}
constexpr Script kRenew{Script::Kind::always, R"lua(
if not call('ZSCORE', KEYS[1], ARGV[1]) then return {} end
call('ZADD', KEYS[1], 'XX', text(now + ARGV[2]), ARGV[1])
return {call('ZRANGEBYSCORE', KEYS[1], '-inf', text(now), 'LIMIT', 0, 100),
        call('ZRANGEBYSCORE', KEYS[2], '-inf', text(now - ARGV[3]), 'LIMIT', 0, 100), call('ZCARD', KEYS[1])}
)lua"};

// KEYS live, gone   ARGV incarnation, 'anyway' or ''   reply 1 when it went from live to gone
constexpr Script kRetire{Script::Kind::always, R"lua(
local ends = call('ZSCORE', KEYS[1], ARGV[1])
if not ends or (ARGV[2] == '' and tonumber(ends) > now) then return 0 end
call('ZADD', KEYS[2], text(now), ARGV[1])
return call('ZREM', KEYS[1], ARGV[1])
)lua"};

// KEYS   gone, held:<incarnation>, queues, and of each queue what queue_at() names
// ARGV   incarnation, place of the counter to raise, number of queues, their names,
//        then for each message: queue, id
// reply  how many were handed on
// keeps  each goes to the front of a list before it leaves the hash; `gone` remembers the
//        incarnation until its hash is empty
constexpr Script kHandOn{Script::Kind::always, R"lua(
local gone, held, queues = KEYS[1], KEYS[2], KEYS[3]
local place, names, moved, woken = tonumber(ARGV[2]), 3, 0, {}
for at = 4 + ARGV[3], #ARGV, 2 do
  local n, id = tonumber(ARGV[at]), ARGV[at + 1]
  local message = call('HGET', held, id)
  if message then
    local q = queue_at(3, n)
    local count = struct.unpack('<I4', message, place) + 1
    message = sub(message, 1, place - 1) .. struct.pack('<I4', count) .. sub(message, place + 4)
    call('RPUSH', ready_list(q, message), message)
    call('HDEL', held, id)
    moved = moved + 1
    woken[n] = q
  end
end
for n, q in pairs(woken) do
  call('SADD', queues, ARGV[names + n])
  ring(q)
end
if call('EXISTS', held) == 0 then call('ZREM', gone, ARGV[1]) end
return moved
)lua"};

// KEYS gone, held:<incarnation>, unreadable   ARGV incarnation, fields that hold no message
// keeps  what is there for somebody to look at, and out of the way
constexpr Script kSetAside{Script::Kind::always, R"lua(
for i = 2, #ARGV do
  local bytes = call('HGET', KEYS[2], ARGV[i])
  if bytes then call('RPUSH', KEYS[3], bytes) end
  call('HDEL', KEYS[2], ARGV[i])
end
if call('EXISTS', KEYS[2]) == 0 then call('ZREM', KEYS[1], ARGV[1]) end
)lua"};

constexpr std::int64_t kCrashesAt = 21, kGiveBacksAt = 25;  // see sdk/message_bytes.hpp
constexpr std::int64_t kPage = 200;
// One that is gone is left to whoever retired it, most often itself in closing, so long.
constexpr std::int64_t kPatienceUs = 5'000'000;

std::vector<std::string> texts(const ReplyView& list) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < list.size(); ++i) all.emplace_back(list[i].text());
  return all;
}

}  // namespace

void Leases::begin(std::string_view incarnation) {
  const Keys& keys = instance_.keys;
  ScriptCall script(kBegin);
  script.key(keys.live).key(keys.gone).keep_key(keys.held(incarnation));
  script.arg(incarnation).arg(instance_.settings.lease_us);
  if (connection_.run(script, "beginning an incarnation").view().integer() == 1) return;
  throw sdk::Error(GANDER_INVALID_STATE,
                   connection_.where() + ": incarnation '" + std::string(incarnation) +
                       "' lives already, or has ended; a name is used once, by one process");
}

void Leases::end(std::string_view incarnation) {
  if (!retire(incarnation, true)) return;
  hand_on(incarnation, Cause::closed);
}

Leases::Others Leases::renew(std::string_view incarnation) {
  ScriptCall script(kRenew);
  script.key(instance_.keys.live).key(instance_.keys.gone);
  script.arg(incarnation).arg(instance_.settings.lease_us).arg(kPatienceUs);
  const Reply reply = connection_.run(script, "tend");
  if (reply.size() != 3) throw lease_lost(connection_.where(), std::string(incarnation));
  return {texts(reply[0]), texts(reply[1]), reply[2].integer() <= 1};
}

bool Leases::retire(std::string_view incarnation, bool anyway) {
  ScriptCall script(kRetire);
  script.key(instance_.keys.live).key(instance_.keys.gone);
  script.arg(incarnation).arg(anyway ? "anyway" : "");
  return connection_.run(script, "ending an incarnation").view().integer() == 1;
}

std::uint64_t Leases::hand_on(std::string_view incarnation, Cause cause) {
  std::uint64_t moved = 0;
  std::string cursor = "0";
  do {
    moved += hand_on_page(incarnation, cause, cursor);
  } while (cursor != "0" && !connection_.time_is_up());
  return moved;
}

// The newest first, so that the oldest comes to be the very front.
std::uint64_t Leases::hand_on_page(std::string_view incarnation, Cause cause, std::string& cursor) {
  const std::string held = instance_.keys.held(incarnation);
  const Reply page =
      connection_.call(Command{"HSCAN", held, cursor, "COUNT"}.add(kPage), "handing on deliveries");
  cursor = page[0].text();
  const ReplyView pairs = page[1];
  struct Item {
    std::string_view id;
    std::size_t queue;
  };
  std::vector<Item> items;
  std::vector<std::string_view> unreadable;
  std::vector<QueueKeys> queues;
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    const auto m = sdk::find_message(pairs[i + 1].text());
    if (!m) {
      unreadable.push_back(pairs[i].text());
      continue;
    }
    const std::string_view name = sdk::view(m->queue);
    const auto known = std::ranges::find(queues, name, &QueueKeys::name);
    items.push_back({pairs[i].text(), static_cast<std::size_t>(known - queues.begin()) + 1});
    if (known == queues.end()) queues.emplace_back(instance_.keys, name);
  }
  if (!unreadable.empty()) set_aside(incarnation, unreadable);
  std::ranges::sort(items, std::greater<>(), &Item::id);
  ScriptCall script(kHandOn);
  script.key(instance_.keys.gone).key(held).key(instance_.keys.queues);
  for (const QueueKeys& queue : queues) queue.pass_to(script);
  script.arg(incarnation).arg(cause == Cause::crashed ? kCrashesAt : kGiveBacksAt);
  script.arg(static_cast<std::int64_t>(queues.size()));
  for (const QueueKeys& queue : queues) script.arg(queue.name);
  for (const Item& item : items) script.arg(static_cast<std::int64_t>(item.queue)).arg(item.id);
  return static_cast<std::uint64_t>(
      connection_.run(script, "handing on deliveries").view().integer());
}

void Leases::set_aside(std::string_view incarnation, std::span<const std::string_view> fields) {
  ScriptCall script(kSetAside);
  script.key(instance_.keys.gone).keep_key(instance_.keys.held(incarnation));
  script.key(instance_.keys.unreadable).arg(incarnation);
  for (const std::string_view field : fields) script.arg(field);
  connection_.run(script, "setting aside what is no message");
  instance_.host.log(GANDER_LOG_ERROR, connection_.where() + ": " + std::to_string(fields.size()) +
                                           " entries that are no messages were moved to the list " +
                                           instance_.keys.unreadable);
}

}  // namespace gander::redis
