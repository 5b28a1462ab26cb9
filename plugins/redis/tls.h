// TLS by hiredis_ssl, where this was built with it (hiredis 1.0 or newer); without it, asking for
// TLS is UNSUPPORTED.
#pragma once

#include <hiredis/hiredis.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "settings.h"

namespace gander::redis {

using TimePoint = std::chrono::steady_clock::time_point;

// Shakes hands on a connected socket; the reason when it cannot, else empty.
std::string secure(redisContext* context, const Settings& settings, TimePoint until);
// As send(2), -1 and errno EAGAIN when it would block.
ssize_t send_secure(redisContext* context, std::string_view bytes);

}  // namespace gander::redis
