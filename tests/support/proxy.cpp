#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "proxy_flow.h"

namespace gander::test {

namespace {

// An answer in several pieces is over when none came for so long.
constexpr auto kEndOfReply = std::chrono::milliseconds(20);

class Fd {
 public:
  explicit Fd(int fd, const char* what) : fd_(fd) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  }
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Fd tcp_socket() {
  return Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
}

// Small requests and answers are what is proxied: none may wait for a fuller packet.
void send_at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// One client's connection and ours to the server.
struct Link {
  Link(Fd client_fd, Fd server_fd)
      : client(std::move(client_fd)),
        server(std::move(server_fd)),
        up(client.get(), server.get()),
        down(server.get(), client.get()) {}
  ~Link() {
    // Whoever still believed in it gets a reset. After an orderly end it is without effect.
    const linger now{1, 0};
    if (up.over() && down.over()) return;
    setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Fd client, server;
  Flow up, down;
  bool drops_reply = false;
  std::optional<Clock::time_point> cut_at;  // the reply that it drops has begun
  bool broken = false;
};

}  // namespace

class Proxy::Loop {
 public:
  Loop(std::uint16_t server_port, std::uint16_t own_port)
      : server_port_(server_port),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"),
        listener_(tcp_socket()) {
    const int on = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in own = loopback(own_port);
    if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        listen(listener_.get(), 128) != 0)
      throw std::system_error(errno, std::generic_category(), "listen");
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    port_ = ntohs(bound.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() {
    change([this] { stopping_ = true; });
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Under the lock, which the loop holds but while it polls.
  template <class F>
  void change(F&& f) {
    {
      const std::lock_guard lock(mutex_);
      f();
    }
    eventfd_write(wake_.get(), 1);
  }
  template <class F>
  auto look(F&& f) {
    const std::lock_guard lock(mutex_);
    return f();
  }

  void break_all() {
    for (const auto& link : links_) link->broken = true;
  }

  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Link>> links_;
  std::chrono::milliseconds delay_{0};
  bool refusing_ = false, swallowing_ = false, drop_next_ = false, stopping_ = false;
  std::size_t dropped_ = 0;

 private:
  void run() {
    std::vector<pollfd> polled;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const int timeout = describe(polled);
      lock.unlock();
      poll(polled.data(), polled.size(), timeout);
      lock.lock();
      eventfd_t ignored = 0;
      eventfd_read(wake_.get(), &ignored);
      drop_ended();
      accept_all();
      // Every link, ready or not: they are few, and what poll saw may have been changed meanwhile.
      for (const auto& link : links_) move_bytes(*link);
      drop_ended();
    }
    links_.clear();
  }

  // Only here, as the loop polls their descriptors without the lock.
  void drop_ended() {
    std::erase_if(links_, [](const auto& link) {
      return link->broken || (link->up.over() && link->down.over());
    });
  }

  // What to poll for, and how long at most.
  int describe(std::vector<pollfd>& polled) const {
    polled.assign({{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}});
    const auto now = Clock::now();
    auto next = Clock::time_point::max();
    for (const auto& link : links_) {
      short client = 0, server = 0;
      if (link->up.wants_read()) client |= POLLIN;
      if (link->down.wants_write(now)) client |= POLLOUT;
      if (link->down.wants_read()) server |= POLLIN;
      if (link->up.wants_write(now)) server |= POLLOUT;
      // Without events poll would still report a hang-up, over and over.
      if (client != 0) polled.push_back({link->client.get(), client, 0});
      if (server != 0) polled.push_back({link->server.get(), server, 0});
      for (const auto due : {link->up.next_due(), link->down.next_due(),
                             link->cut_at.value_or(Clock::time_point::max())})
        if (due > now) next = std::min(next, due);
    }
    if (next == Clock::time_point::max()) return -1;
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(next - now).count());
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return;
      Fd client(fd, "accept"), server = tcp_socket();
      send_at_once(client.get());
      send_at_once(server.get());
      const sockaddr_in to = loopback(server_port_);
      // Refused or still on its way: both show when the link is read.
      connect(server.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
      auto link = std::make_unique<Link>(std::move(client), std::move(server));
      if (!refusing_) links_.push_back(std::move(link));
    }
  }

  void move_bytes(Link& link) {
    const auto now = Clock::now();
    if (link.up.wants_read()) {
      const Flow::Read read = link.up.read(delay_, swallowing_);
      if (read == Flow::Read::some && drop_next_) {
        link.drops_reply = true;
        drop_next_ = false;
      }
      link.broken |= read == Flow::Read::broken;
    }
    if (link.down.wants_read()) {
      const Flow::Read read = link.down.read(delay_, swallowing_ || link.drops_reply);
      if (read == Flow::Read::some && link.drops_reply) link.cut_at = now + kEndOfReply;
      link.broken |= read == Flow::Read::broken;
    }
    if (link.cut_at && *link.cut_at <= now) {
      ++dropped_;
      link.broken = true;
    }
    link.broken |= !link.up.write(now) || !link.down.write(now);
  }

  std::uint16_t server_port_;
  Fd wake_, listener_;
  mutable std::mutex mutex_;
  std::thread thread_;
};

Proxy::Proxy(std::uint16_t server_port, std::uint16_t own_port)
    : loop_(std::make_unique<Loop>(server_port, own_port)) {}
Proxy::~Proxy() = default;

std::uint16_t Proxy::port() const { return loop_->port_; }
void Proxy::cut() {
  loop_->change([this] { loop_->break_all(); });
}
void Proxy::refuse() {
  loop_->change([this] {
    loop_->refusing_ = true;
    loop_->break_all();
  });
}
void Proxy::delay(std::chrono::milliseconds by) {
  loop_->change([this, by] { loop_->delay_ = by; });
}
void Proxy::swallow() {
  loop_->change([this] {
    loop_->swallowing_ = true;
    for (const auto& link : loop_->links_) {
      link->up.forget();
      link->down.forget();
    }
  });
}
void Proxy::drop_reply() {
  loop_->change([this] { loop_->drop_next_ = true; });
}
void Proxy::heal() {
  loop_->change([this] {
    loop_->delay_ = {};
    loop_->refusing_ = loop_->swallowing_ = loop_->drop_next_ = false;
    for (const auto& link : loop_->links_) link->broken |= link->up.lossy() || link->down.lossy();
  });
}
std::size_t Proxy::connections() const {
  return loop_->look([this] {
    return static_cast<std::size_t>(std::count_if(loop_->links_.begin(), loop_->links_.end(),
                                                  [](const auto& link) { return !link->broken; }));
  });
}
std::size_t Proxy::replies_dropped() const {
  return loop_->look([this] { return loop_->dropped_; });
}

namespace {
// Where the port stands in a URL.
std::pair<std::size_t, std::size_t> port_in(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const std::size_t colon = url.rfind(':', end);
  if (colon == std::string::npos || colon < begin || colon + 1 == end ||
      url.find_first_not_of("0123456789", colon + 1) < end)
    throw std::invalid_argument("no port in " + url);
  return {colon + 1, end};
}
}  // namespace

std::uint16_t port_of(const std::string& url) {
  const auto [begin, end] = port_in(url);
  return static_cast<std::uint16_t>(std::stoul(url.substr(begin, end - begin)));
}
std::string with_port(const std::string& url, std::uint16_t port) {
  const auto [begin, end] = port_in(url);
  return url.substr(0, begin) + std::to_string(port) + url.substr(end);
}

}  // namespace gander::test
