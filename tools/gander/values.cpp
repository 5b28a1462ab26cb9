#include "values.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>

#include "command.h"

namespace gander::cli {
namespace {

using namespace std::chrono;

[[noreturn]] void refuse(std::string_view option, std::string_view text, const char* wanted) {
  throw UsageError{"--" + std::string(option) + " must be " + wanted + ", not '" +
                   std::string(text) + "'"};
}

std::optional<std::int64_t> unit_ms(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1'000;
  if (unit == "m") return 60'000;
  if (unit == "h") return 3'600'000;
  if (unit == "d") return 86'400'000;
  return std::nullopt;
}

// "Z" or "+01:00"; nothing when it is neither.
std::optional<minutes> offset_of(const std::string& text) {
  if (text == "Z" || text == "z") return minutes{0};
  int hour = 0, minute = 0, used = 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  if (std::sscanf(text.c_str() + 1, "%2d:%2d%n", &hour, &minute, &used) != 2 || used != 5 ||
      hour > 23 || minute > 59)
    return std::nullopt;
  const minutes offset{hour * 60 + minute};
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

milliseconds duration_of(std::string_view option, std::string_view text) {
  constexpr const char* kWanted = "a duration such as 250ms, 90s, 15m, 1h30m or 2d";
  constexpr std::int64_t kMax = std::int64_t{366} * 100 * 86'400'000;
  std::string_view rest = text;
  std::int64_t total = 0;
  if (rest.empty()) refuse(option, text, kWanted);
  while (!rest.empty()) {
    std::int64_t n = 0;
    const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
    if (ec != std::errc{} || n < 0) refuse(option, text, kWanted);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::size_t length = std::min(rest.find_first_of("0123456789"), rest.size());
    const auto unit = unit_ms(rest.substr(0, length));
    if (!unit || n > (kMax - total) / *unit) refuse(option, text, kWanted);
    total += n * *unit;
    rest.remove_prefix(length);
  }
  return milliseconds{total};
}

system_clock::time_point instant_of(std::string_view option, std::string_view text) {
  constexpr const char* kWanted = "an instant such as 2026-01-31T12:00:00Z";
  const std::string copy(text);
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, used = 0;
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2d%*1[Tt]%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s,
                  &used) != 6 ||
      used != 19)
    refuse(option, text, kWanted);
  // scanf takes " 1" and "+1" for two digits
  if (std::any_of(copy.begin(), copy.begin() + 19, [](char c) { return c == ' ' || c == '+'; }))
    refuse(option, text, kWanted);
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                            day{static_cast<unsigned>(d)}};
  if (!date.ok() || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 59)
    refuse(option, text, kWanted);
  std::string rest = copy.substr(19);
  std::int64_t us = 0;
  if (rest.starts_with('.')) {
    const std::size_t end = rest.find_first_not_of("0123456789", 1);
    const std::string digits = rest.substr(1, end == std::string::npos ? end : end - 1);
    if (digits.empty() || end == std::string::npos) refuse(option, text, kWanted);
    us = std::stoll((digits + "000000").substr(0, 6));
    rest = rest.substr(end);
  }
  const auto offset = offset_of(rest);
  if (!offset) refuse(option, text, kWanted);
  return sys_days{date} + hours{h} + minutes{mi} + seconds{s} + microseconds{us} - *offset;
}

std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

bool fits(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace gander::cli
