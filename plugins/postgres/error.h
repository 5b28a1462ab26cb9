// From what PostgreSQL and libpq say to the codes the host acts on. The only place of it.
#pragma once

#include <libpq-fe.h>

#include <gander/sdk/plugin.hpp>
#include <string>
#include <string_view>

namespace gander::postgres {

// What the server answered to a statement: it was not applied. `where` names server and database.
sdk::Error error_of(const PGresult* result, const std::string& where);
// Why a connection could not be had; `said` is libpq's text with SQLSTATEs in it.
sdk::Error connect_error(std::string_view said, const std::string& where);
// The connection broke. `asked`: the whole request was on its way, so it may have been applied.
sdk::Error lost_error(std::string_view said, const std::string& where, bool asked);
// The call's time was over before the answer came.
sdk::Error late_error(const std::string& where, bool asked);

// Throws when a server of this number (150020 is 15.20) is older than gander can use.
void require_version(int version, const std::string& where);
std::string version_text(int version);

}  // namespace gander::postgres
