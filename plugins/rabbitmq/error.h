// From what the server answers, and what the network does, to the codes the host acts on.
#pragma once

#include <gander/sdk/plugin.hpp>
#include <string>
#include <string_view>

#include "library.h"

namespace gander::rabbitmq {

// The server closed the channel or the connection with a code and a text, while `doing`; on account
// of which method, if it says so. What ends a connection comes with RECONNECT.
sdk::Error closed_by_server(int code, std::string_view text, bool whole_connection,
                            const std::string& where, const std::string& doing,
                            amqp_method_number_t method = 0);
// A library call said `status`, a negative number of amqp_status_enum.
sdk::Error library_error(int status, const std::string& where, const std::string& doing);
// The connection is no more. RETRYABLE and RECONNECT are added to `flags`.
sdk::Error lost_connection(const std::string& where, const std::string& why,
                           std::uint32_t flags = 0);
sdk::Error timed_out(const std::string& where, const std::string& doing, std::uint32_t flags = 0);
sdk::Error blocked(const std::string& where, std::string_view reason);
sdk::Error lease_lost(const std::string& where, const std::string& incarnation,
                      const std::string& why);

}  // namespace gander::rabbitmq
