#include "tls.h"

#ifdef GANDER_REDIS_TLS

#include <hiredis/hiredis_ssl.h>
#include <poll.h>

#include <cerrno>
#include <memory>
#include <mutex>

namespace gander::redis {
namespace {

struct Free {
  void operator()(redisSSLContext* c) const { redisFreeSSLContext(c); }
};
using TlsContext = std::unique_ptr<redisSSLContext, Free>;

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

std::string secure(redisContext* context, const Settings& settings, TimePoint /*until*/) {
  static std::once_flag once;
  std::call_once(once, [] { redisInitOpenSSL(); });
  redisSSLContextError problem = REDIS_SSL_CTX_NONE;
  const std::string& ca = settings.tls_ca_file;
  const TlsContext tls(
      redisCreateSSLContext(ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : ca.c_str(), nullptr,
                            or_null(settings.tls_cert_file), or_null(settings.tls_key_file),
                            settings.url.at.host.c_str(), &problem));
  if (!tls) return redisSSLContextGetError(problem);
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
