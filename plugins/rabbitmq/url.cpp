#include "url.h"

#include <algorithm>
#include <charconv>
#include <gander/sdk/plugin.hpp>
#include <string_view>

namespace gander::rabbitmq {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw sdk::Error(
      GANDER_CONFIG,
      "option 'url': " + why + "; right is amqp://[user[:password]@]host[:port][,host...][/vhost]");
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

Endpoint parse_endpoint(std::string_view text, int port_by_default) {
  Endpoint at{"", port_by_default};
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) refuse("a '[' is not closed");
    at.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (!text.empty() && text[0] != ':') refuse("after ']' comes ':' and a port");
    port = text.empty() ? text : text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    at.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  if (at.host.empty()) at.host = "localhost";
  if (port.empty()) return at;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), at.port);
  if (problem != std::errc{} || end != port.data() + port.size() || at.port < 1 || at.port > 65535)
    refuse("'" + std::string(port) + "' is not a port (1 to 65535)");
  return at;
}

}  // namespace

Url parse_url(const std::string& text) {
  Url url;
  std::string_view rest = text;
  url.tls = rest.starts_with("amqps:");
  if (!url.tls && !rest.starts_with("amqp:")) refuse("it does not begin with amqp:");
  rest.remove_prefix(rest.find(':') + 1);
  if (rest.starts_with("//")) rest.remove_prefix(2);
  const std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos && slash + 1 < rest.size())
    url.vhost = percent_decoded(rest.substr(slash + 1));
  // The last one, as an undecoded '@' in a password is a common slip.
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const std::size_t colon = user.find(':');
    url.username = percent_decoded(user.substr(0, colon));
    if (colon != std::string_view::npos) url.password = percent_decoded(user.substr(colon + 1));
  }
  do {
    const std::size_t comma = std::min(authority.find(','), authority.size());
    url.at.push_back(parse_endpoint(authority.substr(0, comma), url.tls ? 5671 : 5672));
    authority.remove_prefix(std::min(comma + 1, authority.size()));
  } while (!authority.empty());
  return url;
}

}  // namespace gander::rabbitmq
