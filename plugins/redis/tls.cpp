#include "tls.h"

#ifdef GANDER_REDIS_TLS

#include <fcntl.h>
#include <hiredis/hiredis_ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <mutex>

namespace gander::redis {
namespace {

struct Free {
  void operator()(redisSSLContext* c) const { redisFreeSSLContext(c); }
};
using TlsContext = std::unique_ptr<redisSSLContext, Free>;

// While it lives calls on the socket wait, up to a time. Without it hiredis would put the handshake
// off to the first command, which then fails without saying why.
class Blocking {
 public:
  Blocking(redisContext* context, TimePoint until)
      : context_(context), flags_(fcntl(context->fd, F_GETFL)) {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
        until - std::chrono::steady_clock::now());
    const auto us = std::max<std::int64_t>(1, left.count());
    limit({static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)});
    fcntl(context_->fd, F_SETFL, flags_ & ~O_NONBLOCK);
    context_->flags |= REDIS_BLOCK;
  }
  ~Blocking() {
    context_->flags &= ~REDIS_BLOCK;
    fcntl(context_->fd, F_SETFL, flags_);
    limit({0, 0});
  }
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

 private:
  void limit(timeval time) const {
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
      setsockopt(context_->fd, SOL_SOCKET, option, &time, sizeof time);
  }

  redisContext* context_;
  int flags_;
};

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

std::string secure(redisContext* context, const Settings& settings, TimePoint until) {
  static std::once_flag once;
  std::call_once(once, [] { redisInitOpenSSL(); });
  redisSSLContextError problem = REDIS_SSL_CTX_NONE;
  const std::string& ca = settings.tls_ca_file;
  const TlsContext tls(
      redisCreateSSLContext(ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : ca.c_str(), nullptr,
                            or_null(settings.tls_cert_file), or_null(settings.tls_key_file),
                            settings.url.at.host.c_str(), &problem));
  if (!tls) return redisSSLContextGetError(problem);
  const Blocking whole(context, until);
  // The connection holds what it needs of it from here on.
  if (redisInitiateSSLWithContext(context, tls.get()) != REDIS_OK) return context->errstr;
  return {};
}

ssize_t send_secure(redisContext* context, std::string_view bytes) {
  if (redisAppendFormattedCommand(context, bytes.data(), bytes.size()) != REDIS_OK) {
    errno = ENOMEM;
    return -1;
  }
  for (int done = 0; done == 0;) {
    if (redisBufferWrite(context, &done) != REDIS_OK) {
      errno = ECONNRESET;
      return -1;
    }
    if (done == 0) {
      pollfd one{context->fd, POLLIN | POLLOUT, 0};
      poll(&one, 1, 100);
    }
  }
  return static_cast<ssize_t>(bytes.size());
}

}  // namespace gander::redis

#else

namespace gander::redis {

std::string secure(redisContext*, const Settings& settings, TimePoint) {
  throw sdk::Error(GANDER_UNSUPPORTED,
                   settings.where() +
                       ": this plugin was built with a hiredis that has no TLS (before 1.0); build "
                       "it where libhiredis-dev is 1.0 or newer, or go through stunnel");
}

ssize_t send_secure(redisContext*, std::string_view) { return -1; }

}  // namespace gander::redis

#endif
