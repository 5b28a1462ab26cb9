#include "connection.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <gander/sdk/plugin.hpp>
#include <memory>

namespace statsd {
namespace {

using gander::sdk::Error;

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

[[noreturn]] void unavailable(const std::string& place, const std::string& text, int number = 0) {
  throw Error(GANDER_UNAVAILABLE, "StatsD server " + place + ": " + text, GANDER_ERROR_RETRYABLE,
              number);
}

}  // namespace

Connection::Connection(std::string host, int port) : host_(std::move(host)), port_(port) {}

Connection::~Connection() { close(); }

void Connection::close() noexcept {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void Connection::open() {
  if (socket_ >= 0) return;
  const std::string port = std::to_string(port_);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(host_.c_str(), port.c_str(), &hints, &found); failed != 0)
    unavailable(host_, std::string("no address for this host: ") + gai_strerror(failed), failed);
  const Addresses addresses(found);
  int last = 0;
  // IPv4 first, as StatsD servers listen on 0.0.0.0 by habit, and UDP tells of no failure here.
  for (const int family : {AF_INET, AF_INET6}) {
    for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
      if (a->ai_family != family) continue;
      socket_ = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      // Connected, so that "nobody listens" comes back as an error.
      if (socket_ >= 0 && ::connect(socket_, a->ai_addr, a->ai_addrlen) == 0) return;
      last = errno;
      close();
    }
  }
  unavailable(host_ + ":" + port, std::string("no socket: ") + std::strerror(last), last);
}

void Connection::send(std::string_view packet) {
  const ssize_t sent = ::send(socket_, packet.data(), packet.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(packet.size())) return;
  const int failed = errno;
  const std::string place = host_ + ":" + std::to_string(port_);
  if (failed == EAGAIN || failed == EWOULDBLOCK)
    unavailable(place, "the socket's buffer is full; the rest follows at the next export", failed);
  close();
  if (failed == ECONNREFUSED)
    unavailable(place, "nobody listens there; check host and port", failed);
  unavailable(place, std::strerror(failed), failed);
}

}  // namespace statsd
