// From what the server answers, and what the network does, to the codes the host acts on.
#pragma once

#include <gander/sdk/plugin.hpp>
#include <string>
#include <string_view>

namespace gander::redis {

// The server answered "CODE text" to `doing`.
sdk::Error server_error(std::string_view answer, const std::string& where,
                        const std::string& doing);
// The connection failed. RETRYABLE and RECONNECT are added to `flags`.
sdk::Error lost_connection(const std::string& where, const std::string& doing, std::uint32_t flags);

sdk::Error lease_lost(const std::string& where, const std::string& incarnation);

}  // namespace gander::redis
