// A message as AMQP carries it: the body is the body, message_id the id's text, and one header
// holds the rest. Stateless; [any].
#pragma once

#include <array>
#include <gander/sdk/message.hpp>
#include <string>

#include "library.h"

namespace gander::rabbitmq {

// The properties of one message, which live as long as this object and the message it was given.
class Envelope {
 public:
  // What is ready has no state of its own; RETRY and SCHEDULED are told apart while they wait.
  void fill(const gander_message& message, std::uint32_t state);
  [[nodiscard]] const amqp_basic_properties_t& properties() const { return properties_; }

 private:
  std::array<char, 36> id_{};
  std::string packed_;
  std::array<amqp_table_entry_t, 1> headers_{};
  amqp_basic_properties_t properties_{};
};

std::string id_text(const gander_id& id);

// The message out of properties and body. What another program put into `queue` without our header
// has an id of its own: that of message_id, or else one made of its content, the same every time.
// Each return of a delivery by the server, which happens only when a connection ended with it,
// counts as a crash; `*returned` says whether there was one.
sdk::OwnedMessage decode(const amqp_basic_properties_t& properties, std::string_view body,
                         std::string_view queue, bool* returned = nullptr);
// Whether it is ours, and whose id it has: without reading the rest.
bool has_id(const amqp_basic_properties_t& properties, const gander_id& id);

}  // namespace gander::rabbitmq
