// manage/1: what an operator does. Each message is moved or removed in one step, and only from
// where it was found; a leased one is never touched.
//
// A message that is taken out of the middle of a list leaves its place empty, as closing the gap
// would read the list from its end to there. A worker that comes to such a place drops it; `holes`
// counts them, so that a list is not thought longer than it is.
#pragma once

#include "place.h"

namespace gander::redis {

class Manager {
 public:
  Manager(Instance& instance, Connection& connection)
      : instance_(instance), connection_(connection), finder_(instance, connection) {}

  void pause(std::string_view queue, bool paused);
  void move(const gander_move_req& request, sdk::Verdicts verdicts);
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts);
  // Throws PartlyDone with the number so far when the deadline passes.
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us);

 private:
  // What a message becomes; null request: it is removed.
  gander_status apply(const Place& place, const gander_id& id, const gander_move_req* request);
  void each(std::span<const gander_id> ids, const gander_move_req* request, sdk::Verdicts verdicts);
  bool purge_ready(const std::string& list, std::int64_t before_us, std::uint64_t& dropped);
  bool purge_timed(const QueueKeys& queue, std::uint32_t state, std::int64_t before_us,
                   std::uint64_t& dropped);
  std::int64_t server_now();

  Instance& instance_;
  Connection& connection_;
  Finder finder_;
};

}  // namespace gander::redis
