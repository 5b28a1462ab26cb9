#include "socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "error.h"
#include "tls.h"

namespace gander::redis {
namespace {

// A peer that is gone without a word: the kernel gives up after this, on an idle connection by
// probes, on one with data under way by the missing acknowledgement.
constexpr int kProbeAfterS = 15;
constexpr int kProbeEveryS = 5;
constexpr int kProbes = 3;
constexpr unsigned kUnackedMs = 20'000;

std::string name_of(const Settings& settings, const sdk::Endpoint& at) {
  if (!settings.socket.empty()) return settings.socket;
  return (settings.url.tls ? "rediss://" : "redis://") + at.text();
}

}  // namespace

Socket::Socket(const Settings& settings, const sdk::Endpoint& at, TimePoint until)
    : settings_(settings), where_(name_of(settings, at)) {
  context_.reset(settings.socket.empty() ? redisConnectNonBlock(at.host.c_str(), at.port)
                                         : redisConnectUnixNonBlock(settings.socket.c_str()));
  if (!context_) throw std::bad_alloc();
  if (context_->err != 0) fail("cannot connect: " + std::string(context_->errstr), 0);
  wait_connected(until);
  if (settings.socket.empty()) keep_alive();
  if (settings.url.tls) start_tls(until);
}

void Socket::wait_connected(TimePoint until) {
  if (!poll_for(POLLOUT, until)) fail("cannot connect: no answer in time", 0);
  int problem = 0;
  socklen_t size = sizeof problem;
  getsockopt(fd(), SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem != 0) fail(std::string("cannot connect: ") + std::strerror(problem), 0);
  context_->flags |= REDIS_CONNECTED;
}

void Socket::keep_alive() const {
  const auto set = [this](int level, int option, auto value) {
    setsockopt(fd(), level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kProbeAfterS);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kProbeEveryS);
  set(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUnackedMs);
}

void Socket::start_tls(TimePoint until) {
  const std::string problem = secure(context_.get(), settings_, until);
  if (!problem.empty()) fail("cannot start TLS: " + problem, 0);
}

void Socket::queue(const Command& command) {
  char* words = nullptr;
  const auto length = redisFormatCommandArgv(&words, static_cast<int>(command.size()),
                                             command.words(), command.lengths());
  if (length < 0 || words == nullptr) throw std::bad_alloc();
  const std::unique_ptr<char, decltype(&redisFreeCommand)> owner(words, redisFreeCommand);
  out_.append(words, static_cast<std::size_t>(length));
}

// By send() and not by hiredis, whose write() would raise SIGPIPE in the host's process when the
// server has closed.
void Socket::send(const Command& command, TimePoint until) {
  queue(command);
  if (broken_) fail("the connection was lost", 0);
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t n = settings_.url.tls
                          ? send_secure(context_.get(), std::string_view(out_).substr(sent))
                          : ::send(fd(), out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      continue;
    }
    // Nothing of it went out, so nothing of it was done.
    const std::uint32_t flags = sent > 0 ? GANDER_ERROR_MAYBE_APPLIED : 0;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      fail(std::string("sending: ") + std::strerror(errno), flags);
    if (!poll_for(POLLOUT, until)) fail("sending: the server takes nothing in", flags);
  }
  out_.clear();
}

std::optional<Reply> Socket::receive_now() {
  void* raw = nullptr;
  if (redisReaderGetReply(context_->reader, &raw) != REDIS_OK)
    fail(std::string("reading: ") + context_->reader->errstr, GANDER_ERROR_MAYBE_APPLIED);
  if (raw == nullptr) return std::nullopt;
  return Reply(raw);
}

Reply Socket::receive(TimePoint until) {
  if (broken_) fail("the connection was lost", 0);
  for (;;) {
    if (auto reply = receive_now()) return std::move(*reply);
    if (!poll_for(POLLIN, until))
      fail("no reply in time; the server is slow, stopped or cut off", GANDER_ERROR_MAYBE_APPLIED);
    read_some();
  }
}

void Socket::read_some() {
  if (redisBufferRead(context_.get()) != REDIS_OK)
    fail(std::string("reading: ") + context_->errstr, GANDER_ERROR_MAYBE_APPLIED);
}

bool Socket::poll_for(short events, TimePoint until) const {
  for (;;) {
    const auto left = until - std::chrono::steady_clock::now();
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd one{fd(), events, 0};
    const int ready = poll(&one, 1, static_cast<int>(std::clamp<std::int64_t>(ms, 0, 3'600'000)));
    if (ready > 0) return true;
    if (ready == 0 && ms <= 0) return false;
    if (ready < 0 && errno != EINTR) return true;  // the next read or write says why
  }
}

void Socket::fail(const std::string& doing, std::uint32_t flags) {
  broken_ = true;
  throw lost_connection(where_, doing, flags);
}

}  // namespace gander::redis
