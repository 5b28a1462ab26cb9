// gander/sdk/url.hpp -- what the options of a broker on a server have in common. C++20,
// header-only.
#pragma once

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

#include <gander/sdk/plugin.hpp>

namespace gander::sdk {

// %XX as the byte it stands for; a '%' before anything else stays.
inline std::string percent_decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    unsigned char byte = 0;
    const std::string_view digits = text.substr(1, text[0] == '%' ? 2 : 0);
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    const bool is_code = digits.size() == 2 && problem == std::errc{} && end == &digits.back() + 1;
    out += is_code ? static_cast<char>(byte) : text[0];
    text.remove_prefix(is_code ? 3 : 1);
  }
  return out;
}

struct Endpoint {
  std::string host;  // may be empty, when the text named none
  int port;

  // As it stands in a URL.
  [[nodiscard]] std::string text() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
};

// "host", "host:port", "[::1]:port". Throws CONFIG: `what`, and why it is none.
inline Endpoint parse_endpoint(std::string_view text, int default_port, const std::string& what) {
  const auto refuse = [&what](const std::string& why) {
    throw Error(GANDER_CONFIG,
                what + ": " + why + "; right are host, host:port and [address]:port");
  };
  Endpoint at{{}, default_port};
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
  if (port.empty()) return at;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), at.port);
  if (problem != std::errc{} || end != port.data() + port.size() || at.port < 1 || at.port > 65535)
    refuse("'" + std::string(port) + "' is not a port (1 to 65535)");
  return at;
}

// The first line of a file, as a secret is kept in. Throws CONFIG, naming the option, when it
// cannot be read.
inline std::string read_secret(const std::string& file, const std::string& option) {
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line))
    throw Error(GANDER_CONFIG, "option '" + option + "' is '" + file +
                                   "', which cannot be read; its first line is the password");
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace gander::sdk
