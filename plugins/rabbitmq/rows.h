// A message as AMQP carries it: message_id is the id's text, and the payload a short binary head
// with the rest, then the body. A table of headers would be tidier, and costs the server a fifth of
// its speed, as it takes each apart. Stateless; [any].
#pragma once

#include <array>
#include <gander/sdk/message.hpp>
#include <string>
#include <string_view>

#include "library.h"

namespace gander::rabbitmq {

// The properties and the payload of one message, until the next is filled in.
class Envelope {
 public:
  // What is ready has no state of its own; RETRY and SCHEDULED are told apart while they wait.
  void fill(const gander_message& message, std::uint32_t state);
  [[nodiscard]] const amqp_basic_properties_t& properties() const { return properties_; }
  [[nodiscard]] std::string_view payload() const { return payload_; }

 private:
  std::array<char, 36> id_{};
  std::string payload_;
  amqp_basic_properties_t properties_{};
};

std::string id_text(const gander_id& id);

// The message out of properties and payload. What another program put into `queue` is all body, and
// has an id of its own: that of message_id, or else one made of its content, the same every time.
// Each return of a delivery by the server, which happens only when a connection ended with it,
// counts as a crash; `*returned` says whether there was one.
sdk::OwnedMessage decode(const amqp_basic_properties_t& properties, std::string_view payload,
                         std::string_view queue, bool* returned = nullptr);
// Whether it is ours, and whose id it has: without reading the rest.
bool has_id(const amqp_basic_properties_t& properties, const gander_id& id);

}  // namespace gander::rabbitmq
