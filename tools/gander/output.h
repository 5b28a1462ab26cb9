// What commands print: tables for people, JSON for programs.
#pragma once

#include <gander/json.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gander::cli {

using TimePoint = std::chrono::system_clock::time_point;

// Columns as wide as their widest cell; those of numbers stand to the right.
class Table {
 public:
  // A heading that begins with '>' makes a column of numbers.
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<std::string> cells);
  void print() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// "name   value" lines; values begin in one column. Empty values are left out.
void print_pairs(const std::vector<std::pair<std::string, std::string>>& pairs);

// One line of JSON on standard output.
void print_json(const std::function<void(Writer&)>& write);
void json_field(Writer& out, std::string_view key, std::string_view value);
void json_field(Writer& out, std::string_view key, std::int64_t value);
void json_list(Writer& out, std::string_view key, const std::vector<std::string>& values);
// RFC 3339, or null for the epoch, which stands for "none".
void json_time(Writer& out, std::string_view key, TimePoint time);

// "2026-01-31T12:00:00.123Z"; empty for the epoch.
std::string time_text(TimePoint time);
// "-" for a count that the broker cannot tell.
std::string count_text(std::int64_t count);
// A text on one line: control characters become spaces, what is longer than `width` ends in "...".
std::string one_line(std::string_view text, std::size_t width);
// Lines of at most `width` columns, each behind `indent` spaces, joined by newlines.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = 80);
std::string joined(const std::vector<std::string>& items, std::string_view between = ", ");

}  // namespace gander::cli
