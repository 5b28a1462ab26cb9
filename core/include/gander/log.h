// gander/log.h -- where gander's own log lines go.
//
// By default to standard error through spdlog, as text or as one JSON object per line. An
// application that has a logger of its own hands it in with set_logger(); one that has an spdlog
// logger includes <gander/spdlog.h> as well. Everything here is process-wide and may be called from
// any thread at any time.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gander {

// Rising; the first five have the values of GANDER_LOG_... in the plugin ABI. `off` is a threshold
// only.
enum class LogLevel : int { trace = 0, debug = 1, info = 2, warn = 3, error = 4, off = 5 };

enum class LogFormat { text, json };

// One named value of a line. The lines of a job carry its id, name, queue and attempt this way.
struct LogField {
  std::string_view key;
  std::string_view value;
};

// Receives one line; text and fields are borrowed for the call. Called from many threads at once.
// What it throws is swallowed: a broken logger must never cost a job.
using LogFunction =
    std::function<void(LogLevel, std::string_view text, std::span<const LogField> fields)>;

// From now on every line goes to `logger`; an empty one brings the default back. A call of the
// former logger that has begun may still end after this returns.
void set_logger(LogFunction logger);

// Lines below `level` are not even put together. Default: info.
void set_log_level(LogLevel level) noexcept;
[[nodiscard]] LogLevel log_level() noexcept;

// How the default logger writes; one handed in decides for itself. Default: text.
void set_log_format(LogFormat format) noexcept;

// "trace" ... "off". An unknown name is nothing.
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;
[[nodiscard]] std::optional<LogLevel> log_level_of(std::string_view name) noexcept;

// One line as the default logger writes it, without the newline. `time_us` is Unix time.
//   text  2026-01-31T12:00:00.123Z info  job failed id=0190... queue=mail error="no route"
//   json  {"ts":"2026-01-31T12:00:00.123Z","level":"info","msg":"job failed","id":"0190..."}
// A text line stays one line and a JSON line valid whatever the text holds: control characters are
// escaped, bytes that are not UTF-8 become U+FFFD in JSON.
[[nodiscard]] std::string format_log_line(LogFormat format, long long time_us, LogLevel level,
                                          std::string_view text, std::span<const LogField> fields);

}  // namespace gander
