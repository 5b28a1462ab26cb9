#include "keys.h"

namespace gander::redis {

Keys::Keys(const std::string& with)
    : prefix(with),
      queues(with + "queues"),
      paused(with + "paused"),
      ids(with + "ids"),
      live(with + "live"),
      gone(with + "gone"),
      holes(with + "holes"),
      unreadable(with + "unreadable") {}

std::string Keys::held(std::string_view incarnation) const {
  return (prefix + "held:").append(incarnation);
}

QueueKeys::QueueKeys(const Keys& keys, std::string_view queue) : name(queue) {
  const auto key = [&](const char* kind) { return (keys.prefix + kind).append(queue); };
  ready = {key("ready:0:"), key("ready:1:"), key("ready:2:")};
  sched = key("sched:");
  retry = key("retry:");
  later = key("later:");
  died = key("died:");
  dead = key("dead:");
  bell = key("bell:");
}

void QueueKeys::pass_to(ScriptCall& call) const {
  for (const std::string& list : ready) call.key(list);
  call.key(sched).key(retry).key(later).key(died).key(dead).key(bell);
}

}  // namespace gander::redis
