#include "error.h"

#include <cerrno>

namespace gander::sqlite {
namespace {

// The errno of the last failed call on a file, kept by SQLite with the file: the global one has
// been overwritten by the time an error is looked at.
int errno_of(sqlite3_file* file) {
  int reason = 0;
  if (file != nullptr && file->pMethods != nullptr)
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &reason);
  return reason;
}

bool is_no_space(int reason) { return reason == ENOSPC || reason == EDQUOT || reason == EFBIG; }

// A quota or a limit on file size reaches SQLite as a plain write error, of the log or the
// database.
bool no_space(sqlite3* db, int result) {
  if ((result & 0xFF) == SQLITE_FULL) return true;
  if (db == nullptr || (result & 0xFF) != SQLITE_IOERR) return false;
  sqlite3_file* database = nullptr;
  sqlite3_file* log = nullptr;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &database);
  sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  return is_no_space(errno_of(database)) || is_no_space(errno_of(log)) ||
         is_no_space(sqlite3_system_errno(db));
}

constexpr std::uint32_t kRetry = GANDER_ERROR_RETRYABLE;

struct Meaning {
  gander_status code;
  std::uint32_t flags;
  const char* remedy;
};

Meaning meaning_of(sqlite3* db, int result, Step step) {
  if (no_space(db, result))
    return {GANDER_FULL, kRetry, "free space on its file system or raise the quota"};
  switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {GANDER_UNAVAILABLE, kRetry,
              "another process is writing; try again, or raise busy_timeout_ms"};
    case SQLITE_CORRUPT: return {GANDER_CORRUPT, 0, "restore it from a backup"};
    case SQLITE_NOTADB:
      return {GANDER_CONFIG, 0, "it is not a SQLite database; correct the option 'url'"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {GANDER_FORBIDDEN, 0,
              "it needs write permission on the file and its folder, on a writable mount"};
    case SQLITE_CANTOPEN:
      return {GANDER_FORBIDDEN, 0, "it needs read and write permission on the file and its folder"};
    case SQLITE_NOMEM: return {GANDER_NO_MEMORY, kRetry, "free memory"};
    case SQLITE_IOERR:
      // A commit whose fsync failed may yet be found whole in the log.
      return {GANDER_UNAVAILABLE,
              step == Step::commit ? kRetry | GANDER_ERROR_MAYBE_APPLIED : kRetry,
              "look for faults of the disk in the system's log"};
    default: return {GANDER_INTERNAL, 0, "this is a defect of the plugin; please report it"};
  }
}

}  // namespace

sdk::Error error_of(sqlite3* db, int result, const std::string& path, const std::string& doing,
                    Step step) {
  const int extended = db != nullptr ? sqlite3_extended_errcode(db) : result;
  const Meaning meaning = meaning_of(db, result, step);
  const char* said = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(result);
  return {meaning.code, path + ": " + doing + ": " + said + "; " + meaning.remedy, meaning.flags,
          extended, "SQLITE_" + std::to_string(extended)};
}

}  // namespace gander::sqlite
