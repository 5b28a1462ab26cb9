// redis://[user[:password]@]host[:port][/database], as IANA registers the scheme; rediss:// is the
// same over TLS. %XX is decoded in user and password.
#pragma once

#include <cstdint>
#include <string>

namespace gander::redis {

struct Endpoint {
  std::string host;
  int port = 6379;
};

struct Url {
  bool tls = false;
  std::string username, password;
  Endpoint at;
  std::int64_t database = 0;
};

// Throws CONFIG on any other form. The text of the error holds no password.
Url parse_url(const std::string& text);
// "host", "host:port", "[::1]:port"; `what` names the option in the error.
Endpoint parse_endpoint(std::string_view text, int default_port, const std::string& what);

}  // namespace gander::redis
