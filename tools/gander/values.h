// Values of options that are more than text.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace gander::cli {

// "90s", "15m", "1h30m", "250ms", "2d"; throws UsageError that names `option`.
std::chrono::milliseconds duration_of(std::string_view option, std::string_view text);

// RFC 3339: "2026-01-31T12:00:00Z", "2026-01-31T13:00:00.5+01:00"; throws UsageError.
std::chrono::system_clock::time_point instant_of(std::string_view option, std::string_view text);

// An absolute path for what was named from the current folder.
std::string absolute_path(const std::string& path);

// Whether `text` fits a shell pattern: * ? and [a-z].
bool fits(const std::string& pattern, const std::string& text);

}  // namespace gander::cli
