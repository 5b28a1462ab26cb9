// redis://[user[:password]@]host[:port][/database], as IANA registers the scheme; rediss:// is the
// same over TLS. %XX is decoded in user and password.
#pragma once

#include <cstdint>
#include <gander/sdk/url.hpp>
#include <string>

namespace gander::redis {

struct Url {
  bool tls = false;
  std::string username, password;
  sdk::Endpoint at;
  std::int64_t database = 0;
};

// Throws CONFIG on any other form. The text of the error holds no password.
Url parse_url(const std::string& text);

}  // namespace gander::redis
