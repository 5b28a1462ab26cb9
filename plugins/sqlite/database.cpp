#include "database.h"

#include <thread>

#include "place.h"
#include "schema.h"

namespace gander::sqlite {
namespace {

// Switching to WAL needs the file alone and does not ask the busy handler, so it is tried again
// while others do the same.
void switch_to_wal(Connection& connection) {
  for (;;) {
    const int result =
        sqlite3_exec(connection.handle(), "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    if (result == SQLITE_OK) return;
    if ((result & 0xFF) != SQLITE_BUSY) connection.fail(result, "switch to WAL");
    if (std::chrono::steady_clock::now() >= connection.give_up_at())
      connection.fail_busy("switch to WAL");
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
}

bool is_plainly_ours(Connection& connection) {
  return connection.pragma("application_id") == kApplicationId &&
         connection.pragma("user_version") == kSchemaVersion;
}

enum class Kind { ours, empty };

// Inside a transaction, so that all it reads is of one moment.

Kind identify(Connection& connection) {
  const std::int64_t application = connection.pragma("application_id");
  const std::int64_t version = connection.pragma("user_version");
  if (application == kApplicationId && version > kSchemaVersion)
    throw sdk::Error(GANDER_UNSUPPORTED, connection.path() + " has schema " +
                                             std::to_string(version) +
                                             " of a newer gander, this one knows up to " +
                                             std::to_string(kSchemaVersion) +
                                             "; update gander here, or use another file");
  if (application == kApplicationId && version == kSchemaVersion) return Kind::ours;
  Statement tables(connection, "SELECT count(*) FROM sqlite_schema");
  Rows rows = tables.query();
  rows.next();
  if (application != 0 || version != 0 || rows.integer(0) != 0)
    throw sdk::Error(GANDER_CONFIG, connection.path() +
                                        " is the database of another application (application_id " +
                                        std::to_string(application) +
                                        "); name another file in the option 'url'");
  return Kind::empty;
}

void create_schema(Connection& connection) {
  Gate alone;
  Transaction transaction(connection, alone);
  if (identify(connection) == Kind::empty) {
    connection.exec(kSchema);
    connection.exec("PRAGMA application_id=" + std::to_string(kApplicationId));
    connection.exec("PRAGMA user_version=" + std::to_string(kSchemaVersion));
  }
  transaction.commit();
}

}  // namespace

std::unique_ptr<Connection> open_database(const Settings& settings, const std::string& synchronous,
                                          const sdk::Deadline& deadline) {
  check_place(settings.path, settings.any_filesystem);
  auto connection = std::make_unique<Connection>(settings.path, settings.busy_timeout_ms);
  connection->begin_call(deadline);
  if (sqlite3_db_readonly(connection->handle(), "main") == 1)
    throw sdk::Error(GANDER_FORBIDDEN,
                     settings.path +
                         " cannot be written; it needs write permission on the file "
                         "and its folder, on a writable mount");
  // Whatever is not plainly ours is judged under the lock: between two looks without it somebody
  // else may have created the tables. The journal mode of a foreign database is not touched.
  if (!is_plainly_ours(*connection)) create_schema(*connection);
  switch_to_wal(*connection);
  connection->exec("PRAGMA synchronous=" + synchronous);
  connection->exec("PRAGMA wal_autocheckpoint=" + std::to_string(settings.wal_autocheckpoint));
  connection->exec("PRAGMA journal_size_limit=" + std::to_string(settings.journal_size_limit));
  // Debian's SQLite overwrites what it deletes with zeros, at a third of the speed.
  connection->exec("PRAGMA secure_delete=OFF");
  connection->exec("PRAGMA temp_store=MEMORY");
  connection->exec("PRAGMA cache_size=-4000");
  return connection;
}

std::string real_path(const Connection& connection) {
  return sqlite3_db_filename(connection.handle(), "main");
}

}  // namespace gander::sqlite
