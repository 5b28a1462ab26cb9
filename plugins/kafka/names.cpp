#include "names.h"

#include <cctype>

namespace gander::kafka {
namespace {

constexpr std::size_t kLongestTopic = 249;
constexpr std::string_view kDigits = "0123456789ABCDEF";

std::string escaped(std::string_view queue) {
  std::string out;
  for (const char c : queue) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '.') {
      out += c;
      continue;
    }
    out += '-';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::string hashed(std::string_view queue) {
  std::string out = "-h";
  for (const std::uint64_t seed : {kFnvBegin, std::uint64_t{1099511628211ULL}}) {
    const std::uint64_t hash = fnv1a(queue, seed);
    for (int shift = 60; shift >= 0; shift -= 4)
      out += kDigits[(hash >> static_cast<unsigned>(shift)) & 15U];
  }
  return out;
}

bool too_long(const std::string& prefix, const std::string& part) {
  return prefix.size() + part.size() + sizeof(".q..0") - 1 > kLongestTopic;
}

}  // namespace

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

bool Names::is_hashed(std::string_view queue) const { return too_long(prefix_, escaped(queue)); }

std::string Names::ready(std::string_view queue, std::uint32_t priority) const {
  std::string part = escaped(queue);
  if (too_long(prefix_, part)) part = hashed(queue);
  return prefix_ + ".q." + part + "." + std::to_string(priority);
}

std::optional<Names::Ready> Names::queue_of(std::string_view topic) const {
  const std::string begin = prefix_ + ".q.";
  if (!topic.starts_with(begin) || topic.size() < begin.size() + 3) return std::nullopt;
  const char last = topic.back();
  if (topic[topic.size() - 2] != '.' || last < '0' || last > '2') return std::nullopt;
  std::string_view part = topic.substr(begin.size(), topic.size() - begin.size() - 2);
  Ready found{"", static_cast<std::uint32_t>(last - '0')};
  if (part.starts_with("-h")) return found;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '-') {
      found.queue += part[i];
      continue;
    }
    if (i + 2 >= part.size()) return std::nullopt;
    const std::size_t high = kDigits.find(part[i + 1]), low = kDigits.find(part[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    found.queue += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return found;
}

}  // namespace gander::kafka
