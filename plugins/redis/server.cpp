#include "server.h"

#include <algorithm>

#include <charconv>

#include "error.h"

namespace gander::redis {
namespace {

// LMPOP aside, what is used came with 7.0: flags of scripts, without which a server that is short
// of memory would not even take acks.
constexpr int kOldestMajor = 7;

int major_of(std::string_view version) {
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major;
}

void require_version(const std::string& where, std::string_view info) {
  const std::string_view version = info_line(info, "redis_version");
  if (major_of(version) >= kOldestMajor) return;
  throw sdk::Error(GANDER_CONFIG, where + ": the server is Redis " + std::string(version) +
                                      "; the Redis broker needs 7.0 or newer, or valkey");
}

void require_no_eviction(const std::string& where, std::string_view info,
                         const Settings& settings) {
  const std::string_view policy = info_line(info, "maxmemory_policy");
  if (policy.empty() || policy == "noeviction" || settings.any_eviction) return;
  throw sdk::Error(GANDER_CONFIG,
                   where + ": its maxmemory-policy is '" + std::string(policy) +
                       "', which deletes jobs when memory is short; set it to 'noeviction' "
                       "(CONFIG SET maxmemory-policy noeviction, and in redis.conf)");
}

// One that has no save points and no log has nothing left after a restart. What cannot be asked,
// as CONFIG is often forbidden, is not warned about.
void warn_if_memory_only(Connection& connection, std::string_view info, sdk::Host host) {
  if (info_line(info, "aof_enabled") != "0") return;
  connection.socket().send({"CONFIG", "GET", "save"}, connection.until());
  const Reply reply = connection.socket().receive(connection.until());
  const bool saves = reply.size() == 2 && !reply[1].text().empty();
  if (reply.size() != 2) return;
  host.log(GANDER_LOG_WARN,
           connection.where() +
               (saves ? ": appendonly is off, so a crash of the server loses what came since its "
                        "last snapshot, often minutes; set 'appendonly yes'"
                      : ": appendonly and save are off, so every job is lost when the server "
                        "stops; set 'appendonly yes'"));
}

sdk::Endpoint ask_sentinel(const Settings& settings, const sdk::Endpoint& sentinel,
                           TimePoint until) {
  Socket socket(settings, sentinel, until);
  socket.send({"SENTINEL", "get-master-addr-by-name", settings.master}, until);
  const Reply reply = socket.receive(until);
  if (reply.view().is_error())
    throw server_error(reply.view().text(), socket.where(), "asking the Sentinel");
  if (reply.size() != 2)
    throw sdk::Error(GANDER_CONFIG, socket.where() + ": this Sentinel knows no master named '" +
                                        settings.master + "'; correct the option 'master'");
  return {std::string(reply[0].text()), static_cast<int>(reply[1].integer())};
}

}  // namespace

std::string_view info_line(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; at < info.size();) {
    const std::size_t end = std::min(info.find('\r', at), info.size());
    const std::string_view line = info.substr(at, end - at);
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':')
      return line.substr(name.size() + 1);
    at = end + 2;
  }
  return {};
}

sdk::Endpoint find_master(const Settings& settings, TimePoint until) {
  if (settings.sentinels.empty()) return settings.url.at;
  std::string why;
  for (const sdk::Endpoint& sentinel : settings.sentinels) {
    // None may take all the time, as the next may answer at once.
    const auto left = until - std::chrono::steady_clock::now();
    const auto share = left / static_cast<std::int64_t>(settings.sentinels.size() + 1);
    try {
      return ask_sentinel(settings, sentinel, std::chrono::steady_clock::now() + share);
    } catch (const sdk::Error& e) {
      if (e.code() == GANDER_CONFIG) throw;
      why += (why.empty() ? "" : "; ") + std::string(e.what());
    }
  }
  throw sdk::Error(GANDER_UNAVAILABLE, "no Sentinel answers: " + why,
                   GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT);
}

void log_in(Connection& connection, const Settings& settings) {
  const std::string password = settings.read_password();
  if (!password.empty() && settings.url.username.empty())
    connection.call({"AUTH", password}, "logging in");
  else if (!settings.url.username.empty())
    connection.call({"AUTH", settings.url.username, password},
                    "logging in as '" + settings.url.username + "'");
  if (settings.url.database != 0)
    connection.call(Command{"SELECT"}.add(settings.url.database),
                    "database " + std::to_string(settings.url.database));
  connection.call({"CLIENT", "SETNAME", "gander"}, "connecting");
}

void require_fit(Connection& connection, Instance& instance) {
  const Settings& settings = instance.settings;
  const std::string& where = connection.where();
  const Reply reply = connection.call({"INFO"}, "connecting");
  const std::string_view info = reply.view().text();
  require_version(where, info);
  require_no_eviction(where, info, settings);
  const std::string_view role = info_line(info, "role");
  if (role == "slave")
    throw sdk::Error(GANDER_UNAVAILABLE,
                     where + ": it is a replica, which takes no jobs; connect to its master" +
                         (settings.sentinels.empty() ? ", or name the Sentinels" : ""),
                     GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT);
  if (info_line(info, "loading") == "1")
    throw sdk::Error(GANDER_UNAVAILABLE, where + ": it is reading its data after a start; wait",
                     GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT);
  if (!instance.warned.exchange(true)) warn_if_memory_only(connection, info, instance.host);
}

}  // namespace gander::redis
