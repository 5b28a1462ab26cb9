// A plain TCP connection to loopback, for what is said in bytes.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace gander::test {

class TcpClient {
 public:
  explicit TcpClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot connect");
  }
  ~TcpClient() { close(fd_); }
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  void say(const std::string& text) { send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  // So many bytes, or "end", or "reset", or "silence" when none came within the limit.
  std::string hear(std::size_t count,
                   std::chrono::milliseconds limit = std::chrono::milliseconds(10'000)) {
    const timeval tv{limit.count() / 1000, (limit.count() % 1000) * 1000};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    std::string text(count, '\0');
    const ssize_t n = recv(fd_, text.data(), count, MSG_WAITALL);
    if (n == 0) return "end";
    if (n < 0) return errno == EAGAIN ? "silence" : "reset";
    return text.substr(0, static_cast<std::size_t>(n));
  }
  void say_no_more() { shutdown(fd_, SHUT_WR); }

 private:
  int fd_;
};

}  // namespace gander::test
