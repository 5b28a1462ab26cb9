// What the server sends of its own accord, put together from its frames.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "library.h"

namespace gander::rabbitmq {

inline constexpr amqp_channel_t kMain = 1;     // publishes and confirms, or consumes and acks
inline constexpr amqp_channel_t kControl = 2;  // declares: what it is refused must cost no delivery
inline constexpr std::size_t kChannels = 3;    // with the 0 of the connection itself

// What it points to is good until the next one is asked for.
struct Event {
  enum class Kind {
    none,
    delivery,   // tag, text: the consumer; properties, body
    returned,   // code, text; properties, body: no queue took it
    confirmed,  // tag, multiple
    refused,    // tag, multiple: a nack
    cancelled,  // text: the consumer, whose queue is gone
    blocked,    // text: why
    unblocked,
    channel_closed,  // channel, code, method: of ours, that was refused; text
    connection_closed
  };
  Kind kind = Kind::none;
  amqp_channel_t channel = 0;
  std::uint64_t tag = 0;
  bool multiple = false;
  int code = 0;
  amqp_method_number_t method = 0;
  std::string_view text;
  const amqp_basic_properties_t* properties = nullptr;
  std::string_view body;
};

// Frames of several channels may come mixed; those of one message on one channel do not.
class Assembler {
 public:
  // Whether `frame` completed an event, which is then in `event`.
  bool add(const amqp_frame_t& frame, Event& event);

  // Nothing is half there.
  [[nodiscard]] bool idle() const;

 private:
  struct Content {
    Event event;
    std::uint64_t missing = 0;
    bool open = false;
    std::string body;  // when it came in several frames
    std::string text;  // the server's memory may be used again before the body is whole
  };
  bool add_method(const amqp_frame_t& frame, Event& event);
  bool add_header(const amqp_frame_t& frame, Event& event);
  bool add_body(const amqp_frame_t& frame, Event& event);

  std::array<Content, kChannels> contents_;
};

}  // namespace gander::rabbitmq
