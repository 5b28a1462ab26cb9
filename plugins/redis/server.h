// Finding the server, logging in, and refusing one that would lose jobs.
#pragma once

#include "connection.h"

namespace gander::redis {

// Where the master is: as the url says, or as the first Sentinel that knows says.
sdk::Endpoint find_master(const Settings& settings, TimePoint until);

// AUTH, SELECT, CLIENT SETNAME.
void log_in(Connection& connection, const Settings& settings);

// Throws CONFIG on a server that is too old or evicts keys, UNAVAILABLE on a replica. Warns,
// once for each instance, when a restart of the server would lose what it holds.
void require_fit(Connection& connection, Instance& instance);

// A line of INFO, "maxmemory_policy:noeviction"; empty when there is none of that name.
std::string_view info_line(std::string_view info, std::string_view name);

}  // namespace gander::redis
