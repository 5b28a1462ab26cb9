// amqp://[user[:password]@]host[:port][,host[:port]...][/vhost]; amqps:// is the same over TLS. %XX
// is decoded in user, password and vhost.
#pragma once

#include <gander/sdk/url.hpp>
#include <string>
#include <vector>

namespace gander::rabbitmq {

struct Url {
  bool tls = false;
  std::string username, password;
  std::vector<sdk::Endpoint> at;  // one at least
  std::string vhost = "/";
};

// Throws CONFIG on any other form. The text of the error holds no password.
Url parse_url(const std::string& text);

}  // namespace gander::rabbitmq
