// gander/spdlog.h -- hand gander a logger of spdlog. Optional: nothing else of gander's headers
// includes spdlog, and the application links the spdlog it was compiled with.
#pragma once

#include <gander/log.h>
#include <spdlog/logger.h>

#include <memory>
#include <string>
#include <utility>

namespace gander {

// Every line of gander goes to `logger`, its fields appended as key=value; its sinks and pattern
// are the application's own. gander's threshold becomes the logger's level as it is now; a later
// change of that level can hide more, and set_log_level() shows more. A null logger brings the
// default back.
inline void use_spdlog(std::shared_ptr<spdlog::logger> logger) {
  if (!logger) return set_logger({});
  // gander's levels trace..error are spdlog's first five; spdlog's `critical` shows nothing of
  // ours.
  const int level = static_cast<int>(logger->level());
  set_log_level(level > static_cast<int>(LogLevel::error) ? LogLevel::off
                                                          : static_cast<LogLevel>(level));
  set_logger([logger = std::move(logger)](LogLevel at, std::string_view text,
                                          std::span<const LogField> fields) {
    const auto spdlog_level = static_cast<spdlog::level::level_enum>(at);
    if (!logger->should_log(spdlog_level)) return;
    std::string line(text);
    for (const LogField& field : fields) {
      line += ' ';
      line += field.key;
      line += '=';
      line += field.value;
    }
    // As a string, not as a format: a brace in a job's error is no placeholder.
    logger->log(spdlog_level, spdlog::string_view_t(line.data(), line.size()));
  });
}

}  // namespace gander
