#include "health.h"

#include <algorithm>
#include <charconv>

#include "server.h"

namespace gander::redis {
namespace {

struct Line {
  std::int32_t level;
  std::string name, value, advice;
};

std::int64_t number_of(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string mebibytes(std::int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

Line memory(std::string_view info) {
  const std::int64_t used = number_of(info_line(info, "used_memory"));
  const std::int64_t most = number_of(info_line(info, "maxmemory"));
  if (most == 0) return {GANDER_LOG_INFO, "memory", mebibytes(used) + " used, no limit", ""};
  const std::string value = mebibytes(used) + " of " + mebibytes(most);
  if (used * 10 < most * 9) return {GANDER_LOG_INFO, "memory", value, ""};
  return {GANDER_LOG_ERROR, "memory", value,
          "enqueues are refused when it is full: raise maxmemory, or add workers"};
}

Line eviction(std::string_view info) {
  const std::string policy(info_line(info, "maxmemory_policy"));
  if (policy == "noeviction") return {GANDER_LOG_INFO, "eviction", policy, ""};
  return {GANDER_LOG_ERROR, "eviction", policy,
          "it deletes jobs when memory is short: set maxmemory-policy to noeviction"};
}

Line persistence(std::string_view info) {
  if (info_line(info, "aof_enabled") == "1") {
    if (info_line(info, "aof_last_write_status") == "ok")
      return {GANDER_LOG_INFO, "persistence", "append-only file", ""};
    return {GANDER_LOG_ERROR, "persistence", "the append-only file cannot be written",
            "free space on the server's disk, or see its log"};
  }
  return {GANDER_LOG_WARN, "persistence", "snapshots at most",
          "a crash of the server loses what came since the last one: set 'appendonly yes'"};
}

Line replicas(std::string_view info) {
  const std::string count(info_line(info, "connected_slaves"));
  return {GANDER_LOG_INFO, "replicas", count, ""};
}

Line version(std::string_view info) {
  return {GANDER_LOG_INFO, "version", std::string(info_line(info, "redis_version")), ""};
}

}  // namespace

std::int64_t server_time(Connection& connection) {
  const Reply time = connection.call({"TIME"}, "ping");
  return time[0].integer() * 1'000'000 + time[1].integer();
}

void report_health(Connection& connection, const Keys& keys, const sdk::HealthVisitor& visit) {
  const Reply reply = connection.call({"INFO"}, "health");
  const std::string_view info = reply.view().text();
  std::vector<Line> lines{memory(info), eviction(info), persistence(info), replicas(info),
                          version(info)};
  const std::int64_t odd = connection.call({"LLEN", keys.unreadable}, "health").view().integer();
  if (odd > 0)
    lines.push_back({GANDER_LOG_ERROR, "unreadable", std::to_string(odd),
                     "something else wrote to the keys of this prefix: look at the list " +
                         keys.unreadable + ", then delete it"});
  std::ranges::stable_sort(lines, std::greater<>(), &Line::level);
  for (const Line& line : lines) {
    gander_health_item item{};
    item.struct_size = sizeof item;
    item.level = static_cast<std::uint32_t>(line.level);
    item.name = sdk::str(line.name);
    item.value = sdk::str(line.value);
    item.advice = sdk::str(line.advice);
    if (!visit(item)) return;
  }
}

}  // namespace gander::redis
