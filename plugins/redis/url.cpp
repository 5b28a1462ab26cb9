#include "url.h"

#include <charconv>
#include <gander/sdk/plugin.hpp>
#include <optional>

namespace gander::redis {
namespace {

constexpr const char* kRight = "right is redis://[user[:password]@]host[:port][/database]";

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw sdk::Error(GANDER_CONFIG, what + ": " + why + "; " + kRight);
}

std::optional<std::int64_t> number(std::string_view text, std::int64_t most) {
  std::int64_t value = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < 0 || value > most)
    return std::nullopt;
  return value;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

Endpoint parse_endpoint(std::string_view text, int default_port, const std::string& what) {
  Endpoint at{{}, default_port};
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) refuse(what, "a '[' is not closed");
    at.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (!text.empty() && text[0] != ':') refuse(what, "after ']' comes ':' and a port");
    port = text.empty() ? text : text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    at.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  if (port.empty()) return at;
  const auto value = number(port, 65535);
  if (!value || *value == 0) refuse(what, "'" + std::string(port) + "' is not a port (1 to 65535)");
  at.port = static_cast<int>(*value);
  return at;
}

Url parse_url(const std::string& text) {
  const std::string what = "option 'url'";
  Url url;
  std::string_view rest = text;
  url.tls = rest.starts_with("rediss:");
  if (!url.tls && !rest.starts_with("redis:")) refuse(what, "it does not begin with redis:");
  rest.remove_prefix(rest.find(':') + 1);
  if (rest.starts_with("//")) rest.remove_prefix(2);
  const std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos && slash + 1 < rest.size()) {
    const auto database = number(rest.substr(slash + 1), 1'000'000);
    if (!database) refuse(what, "what follows the '/' is the number of a database");
    url.database = *database;
  }
  // The last one, as an undecoded '@' in a password is a common slip.
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const std::size_t colon = user.find(':');
    url.username = percent_decoded(user.substr(0, colon));
    if (colon != std::string_view::npos) url.password = percent_decoded(user.substr(colon + 1));
  }
  url.at = parse_endpoint(authority, 6379, what);
  if (url.at.host.empty()) url.at.host = "localhost";
  return url;
}

}  // namespace gander::redis
