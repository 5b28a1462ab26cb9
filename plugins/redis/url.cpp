#include "url.h"

#include <charconv>
#include <optional>

namespace gander::redis {
namespace {

constexpr int kPort = 6379;
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

}  // namespace

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
    url.username = sdk::percent_decoded(user.substr(0, colon));
    if (colon != std::string_view::npos)
      url.password = sdk::percent_decoded(user.substr(colon + 1));
  }
  url.at = sdk::parse_endpoint(authority, kPort, what);
  if (url.at.host.empty()) url.at.host = "localhost";
  return url;
}

}  // namespace gander::redis
