#include "frames.h"

namespace gander::rabbitmq {
namespace {

constexpr std::uint8_t kMethod = 1, kHeader = 2, kBody = 3;
constexpr std::uint16_t kBasic = 60, kPublish = 40, kDeliveryMode = 0x1000;
constexpr std::uint8_t kMandatory = 1, kPersistent = 2;
constexpr char kFrameEnd = '\xCE';
constexpr std::size_t kAroundPayload = 8;

template <class Number>
void append(std::string& out, Number number) {
  for (unsigned shift = 8 * sizeof number; shift != 0;)
    out += static_cast<char>(number >> (shift -= 8) & 0xFFU);
}

void append_text(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint8_t>(text.size()));
  out += text;
}

void begin_frame(std::string& out, std::uint8_t type, std::uint16_t channel, std::size_t size) {
  append(out, type);
  append(out, channel);
  append(out, static_cast<std::uint32_t>(size));
}

}  // namespace

void append_publish(std::string& out, std::uint16_t channel, std::string_view exchange,
                    std::string_view key, std::string_view body, std::size_t frame_max) {
  begin_frame(out, kMethod, channel, 9 + exchange.size() + key.size());
  append(out, kBasic);
  append(out, kPublish);
  append(out, std::uint16_t{0});
  append_text(out, exchange);
  append_text(out, key);
  append(out, kMandatory);
  out += kFrameEnd;
  begin_frame(out, kHeader, channel, 15);
  append(out, kBasic);
  append(out, std::uint16_t{0});
  append(out, std::uint64_t{body.size()});
  append(out, kDeliveryMode);
  append(out, kPersistent);
  out += kFrameEnd;
  while (!body.empty()) {
    const std::string_view part = body.substr(0, frame_max - kAroundPayload);
    begin_frame(out, kBody, channel, part.size());
    out += part;
    out += kFrameEnd;
    body.remove_prefix(part.size());
  }
}

}  // namespace gander::rabbitmq
