// What a publish is on the wire, for many to go out in one write: the client library makes three
// writes of each.
//
//   publish = frame(1: method) frame(2: header) frame(3: body)*   a body is cut to fit frame_max
//   frame(type) = type:u8 channel:u16 size:u32 payload 0xCE
//   method  = 60:u16 40:u16 0:u16 exchange:text key:text flags:u8  flags: 1 mandatory
//   header  = 60:u16 0:u16 size-of-body:u64 0x1000:u16 2:u8        delivery-mode: persistent
//   text    = length:u8 bytes                                      all numbers big-endian
//
// Source: AMQP 0-9-1 specification, 4.2 (framing) and the class basic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gander::rabbitmq {

// A text may have 255 bytes, as names.h sees to.
void append_publish(std::string& out, std::uint16_t channel, std::string_view exchange,
                    std::string_view key, std::string_view body, std::size_t frame_max);

}  // namespace gander::rabbitmq
