// The tables of gander in a PostgreSQL database, and how they came to be.
#pragma once

#include <string>
#include <vector>

#include "connection.h"

namespace gander::postgres {

// What this plugin writes and reads.
inline constexpr int kSchemaVersion = 1;

// Brings the schema from `from` (0: there is none) to kSchemaVersion, statement by statement, for
// one transaction; `@` stands for the schema.
std::vector<std::string> migrations(int from, const std::string& schema);
// The same as text, to be run by hand.
std::string migration_script(Connection& connection, const sdk::Deadline& deadline);

// The version in the database, 0 when there is no schema.
int schema_version(Connection& connection, const sdk::Deadline& deadline);
// Creates the schema or brings it up to date; any number of processes at once. The version it
// found.
int migrate(Connection& connection, const sdk::Deadline& deadline);
// What each session does first: migrates where it may, and refuses a schema it cannot use.
void require_schema(Connection& connection, const sdk::Deadline& deadline);

}  // namespace gander::postgres
