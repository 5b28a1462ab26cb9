// Incarnations: who lives, and what becomes of the deliveries of one that ends.
//
// One row and one lock file each, `<database>-leases/<name>`. The CONSUME session holds the lock;
// the kernel drops it when the process dies. Whoever gets the lock of a registered incarnation
// knows that its owner is dead, now, and no two can know it at once. A file is deleted only by who
// holds its lock, and only after the row has gone.
#pragma once

#include "lock_file.h"
#include "rows.h"
#include "wake.h"

namespace gander::sqlite {

class Leases {
 public:
  // Makes the folder of lock files where it is missing.
  Leases(Connection& connection, Gate& gate, Wake& wake);

  struct Life {
    LockFile lock;
    std::int64_t no;
  };
  // INVALID_STATE when an incarnation of that name lives. One that died under it is reclaimed
  // first.
  Life begin(std::string_view name, std::int64_t now_us);
  // Gives back what is leased, unharmed, and forgets the incarnation.
  void end(const Life& life);

  // 0 when there is none of that name.
  std::int64_t find(std::string_view name);
  [[nodiscard]] std::int64_t count();
  // Hands on what the dead left behind, crashes + 1; not looking at `own`. Also deletes lock files
  // whose process died before it had registered. Stops between two incarnations at the deadline.
  std::int64_t reap(std::string_view own, const sdk::Deadline& deadline);
  // The same for one; nothing while its process lives.
  std::int64_t reap_one(const std::string& name);

 private:
  enum class Cause { crashed, closed };
  struct Held {
    std::int64_t seq, queue;
    std::uint32_t priority;
  };

  [[nodiscard]] std::string file_of(std::string_view name) const;
  std::optional<LockFile> lock_new(std::string_view name);
  std::vector<std::string> registered();
  void reap_strays(const sdk::Deadline& deadline);
  std::int64_t hand_back(std::int64_t no, Cause cause);

  Connection& connection_;
  Gate& gate_;
  Wake& wake_;
  std::string folder_;
  Counter counter_;
  ReadyList ready_;
  Statement find_, names_, count_, add_, remove_, held_, crashed_, closed_, release_;
};

}  // namespace gander::sqlite
