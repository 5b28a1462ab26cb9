// A UDP socket to the server, found anew after a failure.
#pragma once

#include <string>
#include <string_view>

namespace statsd {

// Not thread-safe: the host serialises exports.
class Connection {
 public:
  Connection(std::string host, int port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Looks the host up if that is still to be done. Throws Error(UNAVAILABLE) when it has no
  // address.
  void open();

  // Hands one packet to the kernel, without waiting. Throws Error(UNAVAILABLE) when it does not
  // take it: nobody listens on that host (which shows on the packet after the first), no route, or
  // the buffer is full. The next open() then looks the host up again, as it may have moved.
  void send(std::string_view packet);

 private:
  void close() noexcept;

  const std::string host_;
  const int port_;
  int socket_ = -1;
};

}  // namespace statsd
