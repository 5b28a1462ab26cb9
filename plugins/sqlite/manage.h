// manage/1: what an operator does. Each function is one write transaction, or several short ones;
// a leased message is never touched.
#pragma once

#include "rows.h"
#include "wake.h"

namespace gander::sqlite {

class Manager {
 public:
  Manager(Connection& connection, Gate& gate, Wake& wake, sdk::Host host, Queues& queues);

  void pause(std::string_view queue, bool paused);
  void move(const gander_move_req& request, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const sdk::Deadline& deadline);
  // Throws PartlyDone with the number so far when the deadline passes.
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                      const sdk::Deadline& deadline);

 private:
  struct Found {
    std::int64_t seq, queue, pos;
    std::uint32_t priority;
    bool ready;
  };

  // The message, taken off the ready list; or the verdict that it cannot be had.
  gander_status detach(const gander_id& id, Found* found);
  gander_status move_one(const gander_id& id, const gander_move_req& request, std::int64_t now_us);
  template <class Each>
  void in_chunks(std::size_t count, const sdk::Deadline& deadline, Each each);
  std::uint64_t purge_ready(std::int64_t queue, std::int64_t before_us,
                            const sdk::Deadline& deadline, std::uint64_t so_far);
  std::uint64_t purge_waiting(std::int64_t queue, std::uint32_t state, std::int64_t before_us,
                              const sdk::Deadline& deadline);
  void check_time(const sdk::Deadline& deadline, std::uint64_t done) const;

  Connection& connection_;
  Gate& gate_;
  Wake& wake_;
  sdk::Host host_;
  Queues& queues_;
  Counter counter_;
  ReadyList ready_;
  Statement find_, unready_, delete_, move_, pause_;
};

}  // namespace gander::sqlite
