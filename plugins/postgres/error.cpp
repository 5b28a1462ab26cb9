#include "error.h"

#include <algorithm>

namespace gander::postgres {
namespace {

constexpr std::uint32_t kRetry = GANDER_ERROR_RETRYABLE;
constexpr std::uint32_t kAgain = GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT;
constexpr int kOldest = 130000;

struct Meaning {
  std::string_view state;  // an SQLSTATE, or its first two characters for the whole class
  gander_status code;
  std::uint32_t flags;
  const char* remedy;
};

// The first that fits is taken: single states stand before their class.
constexpr Meaning kMeanings[] = {
    {"28P01", GANDER_UNAUTHENTICATED, 0, "correct the password or the role"},
    {"28000", GANDER_UNAUTHENTICATED, 0, "correct the role, or let it in in pg_hba.conf"},
    {"28", GANDER_UNAUTHENTICATED, 0, "correct the role or the password"},
    {"3D000", GANDER_CONFIG, 0, "create the database, or correct its name in the option 'url'"},
    {"3F000", GANDER_CONFIG, 0, "run 'gander broker migrate', or correct the option 'schema'"},
    {"42501", GANDER_FORBIDDEN, 0, "grant the role what docs/brokers/postgres.md lists"},
    {"42P01", GANDER_CONFIG, 0, "run 'gander broker migrate'"},
    {"42P07", GANDER_CONFIG, 0, "a table of another program has this name; choose another schema"},
    {"42703", GANDER_CONFIG, 0, "a table of another program has this name; choose another schema"},
    {"42809", GANDER_CONFIG, 0, "a table of another program has this name; choose another schema"},
    {"42804", GANDER_CONFIG, 0, "a table of another program has this name; choose another schema"},
    {"53100", GANDER_FULL, kRetry, "free space on the server's disk"},
    {"53200", GANDER_UNAVAILABLE, kRetry, "the server is out of memory; give it more"},
    {"53300", GANDER_UNAVAILABLE, kAgain, "raise max_connections, or run fewer processes"},
    {"53", GANDER_UNAVAILABLE, kRetry, "the server lacks a resource; see its log"},
    {"54", GANDER_INVALID_ARGUMENT, 0, "a limit of the server is exceeded"},
    {"57014", GANDER_TIMEOUT, kRetry, "statement_timeout ended it; raise it, or try again"},
    {"55P03", GANDER_TIMEOUT, kRetry, "lock_timeout ended it; try again"},
    {"57P03", GANDER_UNAVAILABLE, kAgain, "the server starts or stops; try again"},
    {"57", GANDER_UNAVAILABLE, kAgain, "an operator or a restart ended it; try again"},
    {"40", GANDER_UNAVAILABLE, kRetry, "it met another transaction; try again"},
    {"25006", GANDER_UNAVAILABLE, kAgain, "this server is a standby; name the primary as well"},
    {"08", GANDER_UNAVAILABLE, kAgain, "the connection broke; try again"},
    {"XX001", GANDER_CORRUPT, 0, "the server reports damaged data; restore a backup"},
    {"XX002", GANDER_CORRUPT, 0, "the server reports a damaged index; REINDEX it"},
    {"58", GANDER_UNAVAILABLE, kRetry, "the server's file system has a fault; see its log"},
};

const Meaning* meaning_of(std::string_view state) {
  for (const Meaning& m : kMeanings)
    if (state.substr(0, m.state.size()) == m.state) return &m;
  return nullptr;
}

std::string_view first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// "... FATAL:  28P01: password authentication failed": the state, whatever the server's language.
std::string_view state_in(std::string_view said) {
  const auto is_state = [](std::string_view s) {
    return std::all_of(s.begin(), s.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
  };
  for (std::size_t at = said.find(":  "); at != std::string_view::npos;
       at = said.find(":  ", at + 1)) {
    const std::string_view state = said.substr(at + 3, 5);
    if (state.size() == 5 && said.substr(at + 8, 2) == ": " && is_state(state)) return state;
  }
  return {};
}

std::string without(std::string_view text, std::string_view part) {
  std::string out(text);
  const std::size_t at = part.empty() ? std::string::npos : out.find(part);
  if (at != std::string::npos) out.erase(at, part.size() + 2);
  return out;
}

}  // namespace

sdk::Error error_of(const PGresult* result, const std::string& where) {
  const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string state = field != nullptr ? field : "";
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string said =
      primary != nullptr ? primary : std::string(first_line(PQresultErrorMessage(result)));
  const Meaning* m = meaning_of(state);
  if (m == nullptr)
    return {GANDER_INTERNAL, where + ": " + said + "; a defect of the plugin, please report it", 0,
            0, state};
  return {m->code, where + ": " + said + "; " + m->remedy, m->flags, 0, state};
}

sdk::Error connect_error(std::string_view said, const std::string& where) {
  const std::string_view state = state_in(said);
  const std::string text = where + ": " + without(first_line(said), state);
  const Meaning* m = meaning_of(state);
  if (m != nullptr) {
    // What is wrong with a login is not mended by waiting; all else may be.
    return {m->code, text + "; " + m->remedy, m->flags, 0, std::string(state)};
  }
  if (said.find("no password supplied") != std::string_view::npos)
    return {GANDER_UNAUTHENTICATED, text + "; give it in password_file or in the URL"};
  if (said.find("read-only") != std::string_view::npos)
    return {GANDER_UNAVAILABLE, text + "; a standby takes no jobs: name the primary as well",
            kAgain};
  return {GANDER_UNAVAILABLE, text + "; is the server up and reachable?", kAgain};
}

sdk::Error lost_error(std::string_view said, const std::string& where, bool asked) {
  return {GANDER_UNAVAILABLE, where + ": the connection is lost: " + std::string(first_line(said)),
          kAgain | (asked ? std::uint32_t{GANDER_ERROR_MAYBE_APPLIED} : 0U)};
}

sdk::Error late_error(const std::string& where, bool asked) {
  return {GANDER_TIMEOUT, where + ": no answer in the time of the call",
          kAgain | (asked ? std::uint32_t{GANDER_ERROR_MAYBE_APPLIED} : 0U)};
}

std::string version_text(int version) {
  // 9.6.24 is 90624, 15.20 is 150020.
  if (version < 100000)
    return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100);
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000);
}

void require_version(int version, const std::string& where) {
  if (version < kOldest)
    throw sdk::Error(GANDER_CONFIG, where + ": PostgreSQL " + version_text(version) +
                                        " is too old; gander needs 13 or newer");
}

}  // namespace gander::postgres
