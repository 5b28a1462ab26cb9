#include "url.h"

#include <algorithm>
#include <string_view>

namespace gander::rabbitmq {
namespace {

constexpr int kPort = 5672;
constexpr int kTlsPort = 5671;

}  // namespace

Url parse_url(const std::string& text) {
  const std::string what = "option 'url'";
  Url url;
  std::string_view rest = text;
  url.tls = rest.starts_with("amqps:");
  if (!url.tls && !rest.starts_with("amqp:"))
    throw sdk::Error(GANDER_CONFIG, what +
                                        ": it does not begin with amqp:; right is "
                                        "amqp://[user[:password]@]host[:port][,host...][/vhost]");
  rest.remove_prefix(rest.find(':') + 1);
  if (rest.starts_with("//")) rest.remove_prefix(2);
  const std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos && slash + 1 < rest.size())
    url.vhost = sdk::percent_decoded(rest.substr(slash + 1));
  // The last one, as an undecoded '@' in a password is a common slip.
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const std::size_t colon = user.find(':');
    url.username = sdk::percent_decoded(user.substr(0, colon));
    if (colon != std::string_view::npos)
      url.password = sdk::percent_decoded(user.substr(colon + 1));
  }
  do {
    const std::size_t comma = std::min(authority.find(','), authority.size());
    sdk::Endpoint at =
        sdk::parse_endpoint(authority.substr(0, comma), url.tls ? kTlsPort : kPort, what);
    if (at.host.empty()) at.host = "localhost";
    url.at.push_back(std::move(at));
    authority.remove_prefix(std::min(comma + 1, authority.size()));
  } while (!authority.empty());
  return url;
}

}  // namespace gander::rabbitmq
