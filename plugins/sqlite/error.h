// From SQLite's result codes to the codes the host acts on.
#pragma once

#include <sqlite3.h>

#include <gander/sdk/plugin.hpp>
#include <string>

namespace gander::sqlite {

// What the call was doing when it failed decides whether it may have taken effect.
enum class Step { other, commit };

// The error of the last call on `db`; `path` and `doing` go into its text. A full disk is FULL
// however SQLite saw it; a lock that was not had in time is UNAVAILABLE and retryable.
sdk::Error error_of(sqlite3* db, int result, const std::string& path, const std::string& doing,
                    Step step = Step::other);

}  // namespace gander::sqlite
