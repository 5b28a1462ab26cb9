// The client library, whose headers moved in 0.12.
#pragma once

#include <cstdint>
#include <string_view>

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

namespace gander::rabbitmq {

// Borrowed: the library reads it during the call only.
inline amqp_bytes_t amqp_bytes(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
inline std::string_view view(amqp_bytes_t text) {
  return text.len == 0 ? std::string_view{}
                       : std::string_view{static_cast<const char*>(text.bytes), text.len};
}
inline amqp_table_entry_t entry(std::string_view key, std::string_view value) {
  amqp_table_entry_t made{};
  made.key = amqp_bytes(key);
  made.value.kind = AMQP_FIELD_KIND_UTF8;
  made.value.value.bytes = amqp_bytes(value);
  return made;
}
inline amqp_table_entry_t entry(std::string_view key, std::int64_t value) {
  amqp_table_entry_t made{};
  made.key = amqp_bytes(key);
  made.value.kind = AMQP_FIELD_KIND_I64;
  made.value.value.i64 = value;
  return made;
}
inline amqp_table_entry_t flag(std::string_view key) {
  amqp_table_entry_t made{};
  made.key = amqp_bytes(key);
  made.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  made.value.value.boolean = 1;
  return made;
}
// Of ours, that the server closes a channel for.
inline amqp_method_number_t refused_method(const amqp_channel_close_t& close) {
  return static_cast<amqp_method_number_t>(close.class_id) << 16U | close.method_id;
}

}  // namespace gander::rabbitmq
