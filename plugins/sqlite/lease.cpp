#include "lease.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "database.h"

namespace gander::sqlite {
namespace {

// So that no name can be "." or "..".
constexpr std::string_view kPrefix = "w.";

}  // namespace

Leases::Leases(Connection& connection, Gate& gate, Wake& wake)
    : connection_(connection),
      gate_(gate),
      wake_(wake),
      folder_(real_path(connection) + "-leases"),
      counter_(connection),
      ready_(connection),
      find_(connection, "SELECT no FROM incarnation WHERE name=?1"),
      names_(connection, "SELECT name FROM incarnation ORDER BY no"),
      count_(connection, "SELECT count(*) FROM incarnation"),
      add_(connection, "INSERT INTO incarnation(name, started_at) VALUES(?1, ?2)"),
      remove_(connection, "DELETE FROM incarnation WHERE no=?1"),
      held_(connection,
            "SELECT m.seq, m.queue, m.prio FROM lease l CROSS JOIN message m ON m.seq=l.seq "
            "WHERE l.incarnation=?1 ORDER BY m.pos"),
      crashed_(connection, "UPDATE message SET pos=?2, crashes=crashes+1 WHERE seq=?1"),
      closed_(connection, "UPDATE message SET pos=?2, give_backs=give_backs+1 WHERE seq=?1"),
      release_(connection, "DELETE FROM lease WHERE incarnation=?1") {
  const std::string database = real_path(connection);
  struct stat about {};
  const mode_t mode = mode_beside(database);
  const mode_t folder_mode = mode | ((mode & 0444U) >> 2U);  // who may read may also search
  if (stat(folder_.c_str(), &about) == 0) return;
  // Not left to the umask: who shares the database must be able to share this, too.
  if (mkdir(folder_.c_str(), folder_mode) == 0)
    chmod(folder_.c_str(), folder_mode);
  else if (errno != EEXIST)
    throw sdk::Error(errno == ENOSPC ? GANDER_FULL : GANDER_FORBIDDEN,
                     folder_ + ": " + std::strerror(errno) +
                         "; the folder of a database must be writable for its workers");
}

std::string Leases::file_of(std::string_view name) const {
  return folder_ + "/" + std::string(kPrefix) + std::string(name);
}

// A reaper that takes the new file for a stray holds its lock for a moment; a life that is held has
// a row, or will have one in a moment.
std::optional<LockFile> Leases::lock_new(std::string_view name) {
  for (;;) {
    auto lock = LockFile::try_lock(file_of(name), connection_.path(), LockFile::Missing::create);
    if (lock || find(name) != 0) return lock;
    if (std::chrono::steady_clock::now() >= connection_.give_up_at()) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
}

Leases::Life Leases::begin(std::string_view name, std::int64_t now_us) {
  std::optional<LockFile> lock = lock_new(name);
  if (!lock)
    throw sdk::Error(GANDER_INVALID_STATE,
                     connection_.path() + ": incarnation '" + std::string(name) +
                         "' lives already; a name is used once, by one process");
  Transaction transaction(connection_, gate_);
  counter_.load();
  const std::int64_t dead = find(name);
  if (dead != 0) hand_back(dead, Cause::crashed);
  add_.run(name, now_us);
  const std::int64_t no = sqlite3_last_insert_rowid(connection_.handle());
  counter_.save();
  transaction.commit();
  return {std::move(*lock), no};
}

void Leases::end(const Life& life) {
  Transaction transaction(connection_, gate_);
  counter_.load();
  const std::int64_t given_back = hand_back(life.no, Cause::closed);
  counter_.save();
  transaction.commit();
  life.lock.unlink();
  if (given_back > 0) wake_.ring();
}

std::int64_t Leases::find(std::string_view name) {
  Rows rows = find_.query(name);
  return rows.next() ? rows.integer(0) : 0;
}

std::int64_t Leases::count() {
  Rows rows = count_.query();
  return rows.next() ? rows.integer(0) : 0;
}

std::vector<std::string> Leases::registered() {
  std::vector<std::string> names;
  for (Rows rows = names_.query(); rows.next();) names.emplace_back(rows.text(0));
  return names;
}

std::int64_t Leases::reap(std::string_view own, const sdk::Deadline& deadline) {
  std::int64_t reclaimed = 0;
  for (const std::string& name : registered()) {
    if (deadline.passed()) return reclaimed;
    if (name != own) reclaimed += reap_one(name);
  }
  reap_strays(deadline);
  return reclaimed;
}

std::int64_t Leases::reap_one(const std::string& name) {
  const auto lock = LockFile::try_lock(file_of(name), connection_.path(), LockFile::Missing::leave);
  // Without its file nobody can show that it lives; its own next call is told LEASE_LOST.
  std::error_code ignored;
  if (!lock && std::filesystem::exists(file_of(name), ignored)) return 0;
  Transaction transaction(connection_, gate_);
  counter_.load();
  // Gone by now if another reaper was faster, or its owner closed it.
  const std::int64_t no = find(name);
  const std::int64_t reclaimed = no != 0 ? hand_back(no, Cause::crashed) : 0;
  counter_.save();
  transaction.commit();
  if (lock) lock->unlink();
  if (reclaimed > 0) wake_.ring();
  return reclaimed;
}

void Leases::reap_strays(const sdk::Deadline& deadline) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename();
    if (deadline.passed() || name.rfind(kPrefix, 0) != 0) continue;
    if (find(name.substr(kPrefix.size())) != 0) continue;
    const auto lock =
        LockFile::try_lock(entry.path(), connection_.path(), LockFile::Missing::leave);
    // Looked at again under the lock: one that was just registering may have got it and died.
    if (lock && find(name.substr(kPrefix.size())) == 0) lock->unlink();
  }
}

std::int64_t Leases::hand_back(std::int64_t no, Cause cause) {
  std::vector<Held> held;
  for (Rows rows = held_.query(no); rows.next();)
    held.push_back({rows.integer(0), rows.integer(1), rows.small(2)});
  std::int64_t pos = counter_.front(static_cast<std::int64_t>(held.size()));
  for (const Held& h : held) {
    (cause == Cause::crashed ? crashed_ : closed_).run(h.seq, pos);
    ready_.add(h.queue, h.priority, pos, h.seq);
    ++pos;
  }
  release_.run(no);
  remove_.run(no);
  return static_cast<std::int64_t>(held.size());
}

}  // namespace gander::sqlite
