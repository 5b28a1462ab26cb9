#include "status.h"

#include <cstring>

namespace gander {

std::string_view to_string(Code code) noexcept {
  switch (code) {
    case Code::ok: return "ok";
    case Code::unsupported: return "unsupported";
    case Code::invalid_argument: return "invalid_argument";
    case Code::invalid_state: return "invalid_state";
    case Code::not_found: return "not_found";
    case Code::duplicate: return "duplicate";
    case Code::lease_lost: return "lease_lost";
    case Code::too_large: return "too_large";
    case Code::full: return "full";
    case Code::throttled: return "throttled";
    case Code::unavailable: return "unavailable";
    case Code::timeout: return "timeout";
    case Code::cancelled: return "cancelled";
    case Code::unauthenticated: return "unauthenticated";
    case Code::forbidden: return "forbidden";
    case Code::corrupt: return "corrupt";
    case Code::no_memory: return "no_memory";
    case Code::internal: return "internal";
    case Code::config: return "config";
  }
  return "internal";
}

std::string Status::text() const {
  const std::string message(error.message, strnlen(error.message, sizeof(error.message)));
  return message.empty() ? std::string(to_string(code_of(code))) : message;
}

Code code_of(gander_status status) noexcept {
  return status >= GANDER_OK && status <= GANDER_CONFIG ? static_cast<Code>(status)
                                                        : Code::internal;
}

Error error_of(const Status& status, std::string_view broker, std::string_view operation) {
  return Error(code_of(status.code),
               std::string(broker) + ": " + std::string(operation) + ": " + status.text(),
               status.retryable());
}

}  // namespace gander
