// Opens the database file of an instance, creating it where there is none.
#pragma once

#include <memory>

#include "connection.h"
#include "settings.h"

namespace gander::sqlite {

// A connection in WAL mode with `synchronous` as given. Any number of processes may do this at once
// on a path that does not exist yet: one of them creates the schema. Refuses, with the path and the
// remedy: what check_place() refuses, a read-only file, one that is no SQLite database, one of
// another application, one of a newer gander.
std::unique_ptr<Connection> open_database(const Settings& settings, const std::string& synchronous,
                                          const sdk::Deadline& deadline);

// Where SQLite says the file is, symbolic links resolved: the files beside it must be the same ones
// for every process, whatever name it came by.
std::string real_path(const Connection& connection);

}  // namespace gander::sqlite
