#include "log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>

namespace gander {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"trace", "debug", "info",
                                                    "warn",  "error", "off"};

std::atomic<int> level_{static_cast<int>(LogLevel::info)};
std::atomic<LogFormat> format_{LogFormat::text};

// Held by pointer and copied under the lock, so that a logger is never destroyed inside its call.
std::mutex logger_mutex_;
// Never destroyed: a thread that was left behind may still log at exit.
auto& logger_ = *new std::shared_ptr<const LogFunction>;

std::shared_ptr<const LogFunction> own_logger() {
  const std::lock_guard lock(logger_mutex_);
  return logger_;
}

void append_hex(std::string& out, unsigned char c, std::string_view prefix) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += prefix;
  out += kDigits[c >> 4U];
  out += kDigits[c & 0xFU];
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

void append_control(std::string& out, char c, std::string_view hex_prefix) {
  switch (c) {
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default: append_hex(out, static_cast<unsigned char>(c), hex_prefix);
  }
}

// Length of the UTF-8 sequence at the front of `s`, 0 when it is none (overlong forms and
// surrogates included).
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || s.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool beyond = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
  return overlong || beyond ? 0 : n;
}

void append_json_string(std::string& out, std::string_view s) {
  out += '"';
  while (!s.empty()) {
    const std::size_t n = utf8_length(s);
    if (n == 0) {
      out += "\xEF\xBF\xBD";
    } else if (s[0] == '"' || s[0] == '\\') {
      out += '\\';
      out += s[0];
    } else if (is_control(s[0])) {
      append_control(out, s[0], "\\u00");
    } else {
      out += s.substr(0, n);
    }
    s.remove_prefix(n == 0 ? 1 : n);
  }
  out += '"';
}

void append_text(std::string& out, std::string_view s) {
  for (const char c : s) {
    if (is_control(c))
      append_control(out, c, "\\x");
    else
      out += c;
  }
}

void append_value(std::string& out, std::string_view s) {
  const bool quote = s.empty() || s.find_first_of(" \"=") != std::string_view::npos;
  if (!quote) return append_text(out, s);
  out += '"';
  for (std::size_t at = 0; at < s.size(); ++at) {
    if (s[at] == '"' || s[at] == '\\') out += '\\';
    append_text(out, s.substr(at, 1));
  }
  out += '"';
}

void append_time(std::string& out, long long time_us) {
  const auto seconds = static_cast<std::time_t>(time_us / 1'000'000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  std::array<char, 40> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &tm);
  out.append(text.data(), n);
  std::snprintf(text.data(), text.size(), ".%03dZ", static_cast<int>(time_us % 1'000'000 / 1'000));
  out += text.data();
}

spdlog::logger& stderr_logger() {
  // Never destroyed: a thread that outlives main's statics may still have something to say.
  static spdlog::logger* const logger = [] {
    auto made = std::make_unique<spdlog::logger>("gander",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    return made.release();
  }();
  return *logger;
}

void write_default(LogLevel level, std::string_view text, std::span<const LogField> fields) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string line = format_log_line(
      format_.load(std::memory_order_relaxed),
      std::chrono::duration_cast<std::chrono::microseconds>(now).count(), level, text, fields);
  stderr_logger().log(static_cast<spdlog::level::level_enum>(level),
                      spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void set_logger(LogFunction logger) {
  auto made = logger ? std::make_shared<const LogFunction>(std::move(logger)) : nullptr;
  const std::lock_guard lock(logger_mutex_);
  logger_.swap(made);
}

void set_log_level(LogLevel level) noexcept {
  level_.store(static_cast<int>(level), std::memory_order_relaxed);
}

LogLevel log_level() noexcept {
  return static_cast<LogLevel>(level_.load(std::memory_order_relaxed));
}

void set_log_format(LogFormat format) noexcept { format_.store(format, std::memory_order_relaxed); }

std::string_view to_string(LogLevel level) noexcept {
  return kNames[static_cast<std::size_t>(level)];
}

std::optional<LogLevel> log_level_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<LogLevel>(i);
  return std::nullopt;
}

bool log_enabled(LogLevel level) noexcept {
  return static_cast<int>(level) >= level_.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view text, std::span<const LogField> fields) noexcept {
  if (!log_enabled(level) || level == LogLevel::off) return;
  try {
    if (const auto logger = own_logger())
      (*logger)(level, text, fields);
    else
      write_default(level, text, fields);
  } catch (...) {
    // Nowhere is left to report to, and the caller's work matters more than its log line.
  }
}

std::string format_log_line(LogFormat format, long long time_us, LogLevel level,
                            std::string_view text, std::span<const LogField> fields) {
  std::string line;
  if (format == LogFormat::json) {
    line += R"({"ts":")";
    append_time(line, time_us);
    line += R"(","level":")";
    line += to_string(level);
    line += R"(","msg":)";
    append_json_string(line, text);
    for (const LogField& field : fields) {
      line += ',';
      append_json_string(line, field.key);
      line += ':';
      append_json_string(line, field.value);
    }
    return line += '}';
  }
  append_time(line, time_us);
  line += ' ';
  line += to_string(level);
  line.append(6 - to_string(level).size(), ' ');
  append_text(line, text);
  for (const LogField& field : fields) {
    line += ' ';
    append_text(line, field.key);
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

}  // namespace gander
