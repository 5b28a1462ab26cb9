// A message as AMQP carries it: the payload is "\0gnd", as no text begins, and then the bytes of
// sdk/message_bytes.hpp. Properties and headers would be tidier, and cost the server a fifth of its
// speed, as it takes each apart. Stateless; [any].
#pragma once

#include <gander/sdk/message.hpp>
#include <string>
#include <string_view>

#include "library.h"

namespace gander::rabbitmq {

// What is ready has no state of its own; RETRY and SCHEDULED are told apart while they wait.
void encode(std::string& payload, const gander_message& message, std::uint32_t state);
// Kept on disk, and nothing else.
const amqp_basic_properties_t& persistent();

// The message out of properties and payload. What another program put into `queue` is all body, and
// has an id of its own: that of message_id, or else one made of its content, the same every time.
// Each return of a delivery by the server, which happens only when a connection ended with it,
// counts as a crash; `*returned` says how many there were.
sdk::OwnedMessage decode(const amqp_basic_properties_t& properties, std::string_view payload,
                         std::string_view queue, std::int64_t* returned = nullptr);
// How often the server took it back from a consumer.
std::int64_t returns_of(const amqp_basic_properties_t& properties);
// Whether it is ours, and of this id: without reading the rest.
bool has_id(std::string_view payload, const gander_id& id);

}  // namespace gander::rabbitmq
