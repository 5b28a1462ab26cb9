#include "place.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>
#include <gander/sdk/message.hpp>

namespace gander::redis {
namespace {

constexpr std::int64_t kWindow = 500;

// KEYS a ready list   ARGV first, last, ids that are wanted
// reply {how many places were looked at, then place, message, place, message, ...}
constexpr Script kLook{Script::Kind::reads, R"lua(
local wanted = {}
for i = 3, #ARGV do wanted[ARGV[i]] = true end
local found = {0}
local messages = call('LRANGE', KEYS[1], ARGV[1], ARGV[2])
found[1] = #messages
for i, message in ipairs(messages) do
  if wanted[sub(message, 5, 20)] then
    found[#found + 1] = ARGV[1] + i - 1
    found[#found + 1] = message
  end
end
return found
)lua"};

}  // namespace

std::vector<std::string> Finder::queue_names() {
  const Reply reply = connection_.call({"SUNION", instance_.keys.queues, instance_.keys.paused},
                                       "listing the queues");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < reply.size(); ++i) names.emplace_back(reply[i].text());
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> Finder::incarnations() {
  std::vector<std::string> names;
  for (const std::string* key : {&instance_.keys.live, &instance_.keys.gone}) {
    const Reply reply = connection_.call({"ZRANGE", *key, "0", "-1"}, "listing the incarnations");
    for (std::size_t i = 0; i < reply.size(); ++i) names.emplace_back(reply[i].text());
  }
  return names;
}

std::vector<std::optional<Place>> Finder::find(std::span<const gander_id> ids) {
  Found found(ids.size());
  Wanted wanted;
  for (std::size_t i = 0; i < ids.size(); ++i) wanted.emplace(ids[i], i);
  forget_unknown(wanted);
  if (wanted.empty()) return found;
  const std::vector<std::string> names = queue_names();
  // In the order in which a message moves on, so that one which does so meanwhile is met.
  for (const std::string& name : names) {
    for (const std::string& list : QueueKeys(instance_.keys, name).ready)
      look_in_list(wanted, name, list, found);
  }
  look_in_held(wanted, found);
  look_in_hashes(wanted, names, found);
  return found;
}

void Finder::forget_unknown(Wanted& wanted) {
  if (wanted.empty()) return;
  Command command{"SMISMEMBER", instance_.keys.ids};
  std::vector<gander_id> asked;
  for (const auto& [id, index] : wanted) asked.push_back(id);
  for (const gander_id& id : asked) command.add(sdk::view(id));
  const Reply known = connection_.call(command, "looking for messages");
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i].integer() == 0) wanted.erase(asked[i]);
  }
}

void Finder::look_in_hash(const std::string& key, std::uint32_t state, const std::string& queue,
                          Wanted& wanted, Found& found) {
  if (wanted.empty()) return;
  Command command{"HMGET", key};
  std::vector<gander_id> asked;
  for (const auto& [id, index] : wanted) asked.push_back(id);
  for (const gander_id& id : asked) command.add(sdk::view(id));
  const Reply reply = connection_.call(command, "looking for messages");
  for (std::size_t i = 0; i < reply.size(); ++i) {
    if (reply[i].is_null()) continue;
    found[wanted.at(asked[i])] = Place{state, queue, std::string(reply[i].text()), {}, 0};
    wanted.erase(asked[i]);
  }
}

void Finder::look_in_held(Wanted& wanted, Found& found) {
  for (const std::string& name : incarnations())
    look_in_hash(instance_.keys.held(name), GANDER_STATE_LEASED, {}, wanted, found);
}

void Finder::look_in_hashes(Wanted& wanted, const std::vector<std::string>& names, Found& found) {
  for (const std::string& name : names) {
    const QueueKeys queue(instance_.keys, name);
    look_in_hash(queue.later, GANDER_STATE_SCHEDULED, name, wanted, found);
    look_in_hash(queue.dead, GANDER_STATE_DEAD, name, wanted, found);
  }
}

void Finder::look_in_list(Wanted& wanted, const std::string& queue, const std::string& list,
                          Found& found) {
  std::int64_t looked = kWindow;
  for (std::int64_t first = 0; looked == kWindow && !wanted.empty(); first += kWindow) {
    ScriptCall script(kLook);
    script.key(list).arg(first).arg(first + kWindow - 1);
    for (const auto& [id, index] : wanted) script.arg(sdk::view(id));
    const Reply reply = connection_.run(script, "looking for messages");
    looked = reply[0].integer();
    for (std::size_t i = 1; i + 1 < reply.size(); i += 2) {
      const std::string_view bytes = reply[i + 1].text();
      const gander_id id = sdk::read_message(bytes).id;
      const auto at = wanted.find(id);
      if (at == wanted.end()) continue;
      found[at->second] =
          Place{GANDER_STATE_READY, queue, std::string(bytes), list, reply[i].integer()};
      wanted.erase(at);
    }
  }
}

std::uint32_t later_state(Connection& connection, const QueueKeys& queue, const gander_id& id) {
  const Reply score =
      connection.call({"ZSCORE", queue.retry, sdk::view(id)}, "looking for messages");
  return score.view().is_null() ? GANDER_STATE_SCHEDULED : GANDER_STATE_RETRY;
}

}  // namespace gander::redis
