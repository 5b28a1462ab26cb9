// manage/1: what an operator does, in transactions of a few milliseconds. A leased message is never
// touched.
#pragma once

#include "bell.h"
#include "rows.h"

namespace gander::postgres {

class Manager {
 public:
  Manager(Connection& connection, Bell& bell, Queues& queues)
      : connection_(connection), bell_(bell), queues_(queues) {}

  void pause(std::string_view queue, bool paused, const sdk::Deadline& deadline);
  void move(const gander_move_req& request, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const sdk::Deadline& deadline);
  // Throws PartlyDone with the number so far when the deadline passes.
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                      const sdk::Deadline& deadline);

 private:
  using Ids = std::span<const gander_id>;

  // Takes messages out of the tables, whole, and writes the verdicts of those that cannot be had.
  Result take_out(Ids ids, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  void move_chunk(const gander_move_req& request, std::int32_t to, Ids ids, sdk::Verdicts verdicts,
                  const sdk::Deadline& deadline);

  Connection& connection_;
  Bell& bell_;
  Queues& queues_;
};

}  // namespace gander::postgres
