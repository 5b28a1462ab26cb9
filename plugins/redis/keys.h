// The keys of one prefix. `{gander}` is in braces, so a cluster keeps them all in one slot.
//
//   {gander}:queues               set     names of queues that hold, or held, a message
//   {gander}:paused               set     names of those that nothing is taken from
//   {gander}:ids                  set     the id of every stored message, so that none is stored
//   twice {gander}:live                 zset    incarnation -> end of its lease {gander}:gone zset
//   incarnation -> since when its deliveries are handed on {gander}:held:<incarnation>   hash    id
//   -> message, leased to it {gander}:holes                hash    ready list -> how many of its
//   places are empty (manage.h) {gander}:ready:<priority>:<queue>  list  messages; the right end is
//   the front {gander}:sched:<queue>, :retry:<queue>  zset  id by when it falls due
//   {gander}:later:<queue>        hash    id -> message, of both
//   {gander}:died:<queue>         zset    id by its death;  {gander}:dead:<queue>  hash  id ->
//   message {gander}:bell:<queue>         stream  of one entry: new whenever a message came
//   (wait.h)
//
// Times are Unix microseconds of the server's clock, which a zset keeps exactly.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "scripts.h"

namespace gander::redis {

struct Keys {
  explicit Keys(const std::string& prefix);
  [[nodiscard]] std::string held(std::string_view incarnation) const;

  std::string prefix, queues, paused, ids, live, gone, holes, unreadable;
};

// What belongs to one queue.
struct QueueKeys {
  QueueKeys(const Keys& keys, std::string_view queue);
  // All of them to a script, in the order that its function `queue_at` expects.
  void pass_to(ScriptCall& call) const;

  std::string name;
  std::array<std::string, 3> ready;
  std::string sched, retry, later, died, dead, bell;
};

}  // namespace gander::redis
