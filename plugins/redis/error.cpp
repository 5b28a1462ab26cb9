#include "error.h"

#include <algorithm>

namespace gander::redis {
namespace {

constexpr std::uint32_t kRetry = GANDER_ERROR_RETRYABLE;
constexpr std::uint32_t kAnew = GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT;

struct Meaning {
  std::string_view code;
  gander_status status;
  std::uint32_t flags;
  const char* remedy;
};

// None of these has changed anything: Redis refuses a script before its first write, or as its
// first write. https://redis.io/docs/latest/develop/programmability/eval-intro/
constexpr Meaning kMeanings[] = {
    {"OOM", GANDER_FULL, kRetry, "raise maxmemory, or let workers make room"},
    {"MISCONF", GANDER_FULL, kRetry,
     "the server cannot write to its disk: free space there, or see its log"},
    {"READONLY", GANDER_UNAVAILABLE, kAnew, "it is a replica now; connect to the master"},
    {"MASTERDOWN", GANDER_UNAVAILABLE, kAnew, "the replica has lost its master"},
    {"UNBLOCKED", GANDER_UNAVAILABLE, kAnew, "it has become a replica; connect to the master"},
    {"LOADING", GANDER_UNAVAILABLE, kRetry, "it is reading its data after a start; wait"},
    {"BUSY", GANDER_UNAVAILABLE, kRetry, "a script of somebody runs for long; see SCRIPT KILL"},
    {"NOREPLICAS", GANDER_UNAVAILABLE, kRetry,
     "fewer replicas than min-replicas-to-write are there; start them"},
    {"CLUSTERDOWN", GANDER_UNAVAILABLE, kRetry, "the cluster lacks masters; see CLUSTER INFO"},
    {"TRYAGAIN", GANDER_UNAVAILABLE, kRetry, "the slot is being moved; wait"},
    {"MOVED", GANDER_CONFIG, kAnew,
     "the slot of the prefix is on another node; set url to the node that is named"},
    {"ASK", GANDER_UNAVAILABLE, kAnew, "the slot is being moved to the node that is named; wait"},
    {"NOAUTH", GANDER_UNAUTHENTICATED, 0,
     "the server wants a password; set password, password_file, or one in the url"},
    {"WRONGPASS", GANDER_UNAUTHENTICATED, 0, "correct username and password"},
    {"NOPERM", GANDER_FORBIDDEN, 0,
     "give the user the rights that the page of the Redis broker lists"},
    {"WRONGTYPE", GANDER_CONFIG, 0,
     "a key of another program is in the way; set the option 'prefix' to one of your own"},
    {"EXECABORT", GANDER_INTERNAL, 0, "this is a defect of the plugin; please report it"},
};

// A script's error comes as "ERR OOM command not allowed ... script: 1f2e, on @user_script:7." from
// some versions, and with the code first from others.
const Meaning* meaning_of(std::string_view answer) {
  for (const std::string_view skip : {"", "ERR ", "-"}) {
    if (!answer.starts_with(skip)) continue;
    const std::string_view rest = answer.substr(skip.size());
    const std::string_view code = rest.substr(0, rest.find(' '));
    const auto* found = std::ranges::find(kMeanings, code, &Meaning::code);
    if (found != std::end(kMeanings)) return found;
  }
  return nullptr;
}

}  // namespace

sdk::Error server_error(std::string_view answer, const std::string& where,
                        const std::string& doing) {
  const std::string text = where + ": " + doing + ": " + std::string(answer);
  const std::string code(answer.substr(0, std::min<std::size_t>(answer.find(' '), 15)));
  if (const Meaning* m = meaning_of(answer))
    return {m->status, text + "; " + m->remedy, m->flags, 0, std::string(m->code)};
  if (answer.find("invalid password") != std::string_view::npos ||
      answer.find("AUTH <password> called without any password") != std::string_view::npos)
    return {GANDER_UNAUTHENTICATED, text + "; correct username and password", 0, 0, code};
  if (answer.find("DB index is out of range") != std::string_view::npos)
    return {GANDER_CONFIG, text + "; the server has fewer databases (see 'databases')", 0, 0, code};
  if (answer.find("max number of clients") != std::string_view::npos)
    return {GANDER_UNAVAILABLE, text + "; raise maxclients, or close others", kAnew, 0, code};
  if (answer.find("WRONGTYPE") != std::string_view::npos)
    return {GANDER_CONFIG, text + "; a key of another program is in the way: set 'prefix'", 0, 0,
            "WRONGTYPE"};
  return {GANDER_INTERNAL, text + "; this is a defect of the plugin; please report it", 0, 0, code};
}

sdk::Error lost_connection(const std::string& where, const std::string& doing,
                           std::uint32_t flags) {
  return {GANDER_UNAVAILABLE, where + ": " + doing, kAnew | flags};
}

sdk::Error lease_lost(const std::string& where, const std::string& incarnation) {
  return {GANDER_LEASE_LOST,
          where + ": incarnation '" + incarnation + "' has ended; begin a new one"};
}

}  // namespace gander::redis
