#include "content.h"

#include <algorithm>

namespace gander::rabbitmq {

bool Assembler::add(const amqp_frame_t& frame, Event& event) {
  if (frame.channel >= kChannels) return false;
  switch (frame.frame_type) {
    case AMQP_FRAME_METHOD: return add_method(frame, event);
    case AMQP_FRAME_HEADER: return add_header(frame, event);
    case AMQP_FRAME_BODY: return add_body(frame, event);
    default: return false;
  }
}

bool Assembler::idle() const {
  return std::ranges::none_of(contents_, [](const Content& c) { return c.open; });
}

bool Assembler::add_method(const amqp_frame_t& frame, Event& event) {
  event = {};
  event.channel = frame.channel;
  const auto as = [&](auto* type) {
    return static_cast<decltype(type)>(frame.payload.method.decoded);
  };
  Content& content = contents_[frame.channel];
  switch (frame.payload.method.id) {
    case AMQP_BASIC_DELIVER_METHOD: {
      const auto* m = as(static_cast<amqp_basic_deliver_t*>(nullptr));
      content.event = event;
      content.event.kind = Event::Kind::delivery;
      content.event.tag = m->delivery_tag;
      content.text = view(m->consumer_tag);
      content.open = true;
      return false;
    }
    case AMQP_BASIC_RETURN_METHOD: {
      const auto* m = as(static_cast<amqp_basic_return_t*>(nullptr));
      content.event = event;
      content.event.kind = Event::Kind::returned;
      content.event.code = m->reply_code;
      content.text = view(m->reply_text);
      content.open = true;
      return false;
    }
    case AMQP_BASIC_ACK_METHOD: {
      const auto* m = as(static_cast<amqp_basic_ack_t*>(nullptr));
      event.kind = Event::Kind::confirmed;
      event.tag = m->delivery_tag;
      event.multiple = m->multiple != 0;
      return true;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto* m = as(static_cast<amqp_basic_nack_t*>(nullptr));
      event.kind = Event::Kind::refused;
      event.tag = m->delivery_tag;
      event.multiple = m->multiple != 0;
      return true;
    }
    case AMQP_BASIC_CANCEL_METHOD:
      event.kind = Event::Kind::cancelled;
      event.text = view(as(static_cast<amqp_basic_cancel_t*>(nullptr))->consumer_tag);
      return true;
    case AMQP_CONNECTION_BLOCKED_METHOD:
      event.kind = Event::Kind::blocked;
      event.text = view(as(static_cast<amqp_connection_blocked_t*>(nullptr))->reason);
      return true;
    case AMQP_CONNECTION_UNBLOCKED_METHOD: event.kind = Event::Kind::unblocked; return true;
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto* m = as(static_cast<amqp_channel_close_t*>(nullptr));
      event.kind = Event::Kind::channel_closed;
      event.code = m->reply_code;
      event.method = refused_method(*m);
      event.text = view(m->reply_text);
      return true;
    }
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const auto* m = as(static_cast<amqp_connection_close_t*>(nullptr));
      event.kind = Event::Kind::connection_closed;
      event.code = m->reply_code;
      event.text = view(m->reply_text);
      return true;
    }
    default: return false;
  }
}

bool Assembler::add_header(const amqp_frame_t& frame, Event& event) {
  Content& content = contents_[frame.channel];
  if (!content.open) return false;
  content.event.properties =
      static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
  content.missing = frame.payload.properties.body_size;
  content.body.clear();
  content.event.body = {};
  if (content.missing > 0) return false;
  content.open = false;
  event = content.event;
  event.text = content.text;
  return true;
}

bool Assembler::add_body(const amqp_frame_t& frame, Event& event) {
  Content& content = contents_[frame.channel];
  if (!content.open) return false;
  const std::string_view part = view(frame.payload.body_fragment);
  content.missing -= part.size() < content.missing ? part.size() : content.missing;
  if (content.missing == 0 && content.body.empty()) {
    content.event.body = part;
  } else {
    content.body += part;
    content.event.body = content.body;
  }
  if (content.missing > 0) return false;
  content.open = false;
  event = content.event;
  event.text = content.text;
  return true;
}

}  // namespace gander::rabbitmq
