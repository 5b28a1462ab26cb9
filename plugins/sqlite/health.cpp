#include "health.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "database.h"

namespace gander::sqlite {
namespace {

struct Item {
  std::uint32_t level;
  std::string name, value, advice;
};

std::string human(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 10240 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + " " + kUnits[unit];
}

std::uint64_t file_size(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

Item disk_free(const std::string& path) {
  struct statvfs about {};
  if (statvfs(path.c_str(), &about) != 0)
    return {GANDER_LOG_WARN, "disk free", "unknown", "look whether " + path + " is still there"};
  const std::uint64_t free = std::uint64_t{about.f_bavail} * about.f_frsize;
  if (free < (64ULL << 20U))
    return {GANDER_LOG_ERROR, "disk free", human(free),
            "free space now: an enqueue fails when there is none"};
  if (free < (1ULL << 30U)) return {GANDER_LOG_WARN, "disk free", human(free), "free space soon"};
  return {GANDER_LOG_INFO, "disk free", human(free), ""};
}

Item log_size(const std::string& path, const Settings& settings) {
  const std::uint64_t size = file_size(path + "-wal");
  const auto usual = static_cast<std::uint64_t>(settings.wal_autocheckpoint) * 4096 * 8 +
                     static_cast<std::uint64_t>(settings.journal_size_limit);
  if (size > usual)
    return {GANDER_LOG_WARN, "write-ahead log", human(size),
            "some program reads the file in one long transaction; end it"};
  return {GANDER_LOG_INFO, "write-ahead log", human(size), ""};
}

Item unused_space(Connection& connection) {
  const auto page = static_cast<std::uint64_t>(connection.pragma("page_size"));
  const auto unused = static_cast<std::uint64_t>(connection.pragma("freelist_count")) * page;
  const auto total = static_cast<std::uint64_t>(connection.pragma("page_count")) * page;
  const bool mostly = unused > (256ULL << 20U) && unused > total / 2;
  return {GANDER_LOG_INFO, "database", human(total) + ", of it unused " + human(unused),
          mostly ? "VACUUM with the workers stopped gives it back; else it is used again" : ""};
}

Item durability(const Settings& settings) {
  const bool weak = settings.synchronous == "normal";
  return {weak ? std::uint32_t{GANDER_LOG_WARN} : std::uint32_t{GANDER_LOG_INFO}, "synchronous",
          settings.synchronous,
          weak ? "a power cut can lose the last enqueues; full keeps them" : ""};
}

Item bell(const Wake& wake) {
  if (wake.mapped()) return {GANDER_LOG_INFO, "wake-up", "shared memory", ""};
  return {GANDER_LOG_WARN, "wake-up", "by looking at the file: " + wake.reason(),
          "make the file beside the database writable, and restart"};
}

}  // namespace

void report_health(Connection& connection, const Settings& settings, const Wake& wake,
                   const sdk::HealthVisitor& visit) {
  const std::string path = real_path(connection);
  std::vector<Item> items = {disk_free(path), log_size(path, settings), bell(wake),
                             durability(settings), unused_space(connection)};
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.level > b.level; });
  for (const Item& item : items) {
    const gander_health_item shown{sizeof shown, item.level, sdk::str(item.name),
                                   sdk::str(item.value), sdk::str(item.advice)};
    if (!visit(shown)) return;
  }
}

}  // namespace gander::sqlite
