#include "output.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <iostream>

namespace gander::cli {
namespace {

// Code points, which is close enough to columns for names of jobs and queues.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

Table::Table(std::vector<std::string> headings) {
  for (std::string& heading : headings) {
    right_.push_back(heading.starts_with('>'));
    if (right_.back()) heading.erase(0, 1);
  }
  rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

void Table::print() const {
  std::vector<std::size_t> widths(right_.size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string fill(widths[i] - width_of(row[i]), ' ');
      line += (i == 0 ? "" : "  ") + (right_[i] ? fill + row[i] : row[i] + fill);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::cout << line << '\n';
  }
}

void print_pairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::size_t width = 0;
  for (const auto& [name, value] : pairs)
    if (!value.empty()) width = std::max(width, name.size());
  for (const auto& [name, value] : pairs)
    if (!value.empty())
      std::cout << name << std::string(width - name.size() + 2, ' ') << value << '\n';
}

void print_json(const std::function<void(Writer&)>& write) {
  Writer out;
  write(out);
  std::cout << out.text() << std::endl;
}

void json_field(Writer& out, std::string_view key, std::string_view value) {
  out.key(key);
  out.string(value);
}

void json_field(Writer& out, std::string_view key, std::int64_t value) {
  out.key(key);
  out.integer(value);
}

void json_list(Writer& out, std::string_view key, const std::vector<std::string>& values) {
  out.key(key);
  out.begin_array();
  for (const std::string& value : values) out.string(value);
  out.end_array();
}

void json_time(Writer& out, std::string_view key, TimePoint time) {
  out.key(key);
  if (const std::string text = time_text(time); text.empty())
    out.null();
  else
    out.string(text);
}

std::string time_text(TimePoint time) {
  using namespace std::chrono;
  const auto since = floor<milliseconds>(time.time_since_epoch());
  if (since == milliseconds::zero()) return {};
  const auto seconds_since = floor<seconds>(since);
  const std::time_t seconds_value = seconds_since.count();
  std::tm parts{};
  if (gmtime_r(&seconds_value, &parts) == nullptr) return "?";
  std::array<char, 48> day{};
  const std::size_t n = std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 16> rest{};
  std::snprintf(rest.data(), rest.size(), ".%03dZ",
                static_cast<int>((since - seconds_since).count()));
  return std::string(day.data(), n) + rest.data();
}

std::string count_text(std::int64_t count) { return count < 0 ? "-" : std::to_string(count); }

std::string one_line(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t columns = 0;
  const bool cut = width_of(text) > width;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) != 0x80U && cut && ++columns + 3 > width) break;
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return cut ? out + "..." : out;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out, line;
  const auto end_line = [&] {
    out += (out.empty() ? "" : "\n") + (line.empty() ? "" : std::string(indent, ' ') + line);
    line.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    const bool newline = end < text.size() && text[end] == '\n';
    if (!line.empty() && indent + width_of(line) + 1 + width_of(word) > width) end_line();
    line += (line.empty() ? "" : " ") + std::string(word);
    if (newline) end_line();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!line.empty()) end_line();
  return out;
}

std::string joined(const std::vector<std::string>& items, std::string_view between) {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += between;
    out += item;
  }
  return out;
}

}  // namespace gander::cli
