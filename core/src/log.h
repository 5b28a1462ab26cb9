// How core writes a line: log(LogLevel::warn, "broker is away", {{"broker", name}}).
#pragma once

#include <gander/log.h>

#include <initializer_list>

namespace gander {

// One relaxed load: cheap enough to ask on a job's path.
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;

// Hands the line to the logger in force, if its level is enabled.
void log(LogLevel level, std::string_view text, std::span<const LogField> fields) noexcept;
inline void log(LogLevel level, std::string_view text,
                std::initializer_list<LogField> fields = {}) noexcept {
  log(level, text, std::span<const LogField>(fields.begin(), fields.size()));
}

}  // namespace gander
