// A TCP proxy on loopback that does on demand what a network does on a bad day. Put it between a
// client library and a real server.
//
//   Proxy proxy(6379);
//   connect to 127.0.0.1:proxy.port() ...
//   proxy.cut();
//
// It runs on a thread of its own; every function may be called from any thread and returns once it
// is in force. What a fault did to the bytes of a connection is never undone: at heal() a
// connection of which bytes were swallowed is cut.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace gander::test {

class Proxy {
 public:
  // To 127.0.0.1:`server_port`, where the server may come and go. On a free port, or on `own_port`
  // for a server that tells its clients where to connect.
  explicit Proxy(std::uint16_t server_port, std::uint16_t own_port = 0);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  // Resets every connection. New ones are served.
  void cut();
  // Resets every connection and each new one, until heal(): the host is up and nobody listens.
  void refuse();
  // From now on every byte arrives so much later, in both directions, until heal().
  void delay(std::chrono::milliseconds);
  // Half-open: connections stay and new ones are taken, but nothing arrives any more, until heal().
  void swallow();
  // Of the connection that sends the next request the answer is swallowed, and then it is cut: the
  // server did what its client cannot know. Once.
  void drop_reply();
  void heal();

  [[nodiscard]] std::size_t connections() const;      // open now
  [[nodiscard]] std::size_t replies_dropped() const;  // by drop_reply(), so far

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

// The port in scheme://user@host:PORT/rest, and the URL with another one. Throw
// std::invalid_argument when there is none.
std::uint16_t port_of(const std::string& url);
std::string with_port(const std::string& url, std::uint16_t port);

}  // namespace gander::test
