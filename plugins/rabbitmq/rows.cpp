#include "rows.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>
#include <cstring>
#include <optional>

namespace gander::rabbitmq {
namespace {

// No text begins so.
constexpr std::string_view kMagic{"\0gnd", 4};
constexpr std::uint8_t kPersistent = 2;
constexpr const char* kHex = "0123456789abcdef";

// Nothing when it is not ours, or cut.
std::optional<gander_message> unpack(std::string_view payload) {
  if (!payload.starts_with(kMagic)) return std::nullopt;
  return sdk::find_message(payload.substr(kMagic.size()));
}

// The text of a UUID, as other programs may have put into message_id.
std::optional<gander_id> read_id(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  gander_id id{};
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const char* digit = std::strchr(kHex, text[i] | 0x20);
    if (text[i] == '\0' || digit == nullptr) return std::nullopt;
    const auto value = static_cast<unsigned>(digit - kHex);
    std::uint8_t& byte = id.bytes[digits++ / 2];
    byte = static_cast<std::uint8_t>(static_cast<unsigned>(byte) << 4U | value);
  }
  return id;
}

// Of a foreign message: not random, but the same each time it is delivered.
gander_id id_of_content(std::string_view message_id, std::string_view body) {
  gander_id id{};
  std::uint64_t h[2] = {0xCBF29CE484222325ULL, 0x9AE16A3B2F90404FULL};
  for (auto& half : h) {
    for (const std::string_view part : {message_id, body})
      for (const char c : part) half = (half ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  std::memcpy(id.bytes, h, sizeof h);
  return id;
}

std::string_view message_id_of(const amqp_basic_properties_t& p) {
  return (p._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0 ? view(p.message_id) : std::string_view{};
}

}  // namespace

void encode(std::string& payload, const gander_message& m, std::uint32_t state) {
  payload.assign(kMagic);
  sdk::write_message(m, sdk::view(m.queue), state, payload);
}

const amqp_basic_properties_t& persistent() {
  static const amqp_basic_properties_t properties = [] {
    amqp_basic_properties_t p{};
    p._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    p.delivery_mode = kPersistent;
    return p;
  }();
  return properties;
}

// Since 4.3 the former header leaves out what a lost connection brought back, and the latter has
// all.
std::int64_t returns_of(const amqp_basic_properties_t& p) {
  std::int64_t returns = 0;
  if ((p._flags & AMQP_BASIC_HEADERS_FLAG) == 0) return returns;
  for (int i = 0; i < p.headers.num_entries; ++i) {
    const amqp_table_entry_t& e = p.headers.entries[i];
    const std::string_view key = view(e.key);
    if ((key == "x-delivery-count" || key == "x-acquired-count") &&
        e.value.kind == AMQP_FIELD_KIND_I64)
      returns = std::max(returns, e.value.value.i64);
  }
  return returns;
}

sdk::OwnedMessage decode(const amqp_basic_properties_t& properties, std::string_view payload,
                         std::string_view queue, std::int64_t* returned) {
  const std::int64_t returns = returns_of(properties);
  const auto ours = unpack(payload);
  gander_message m = ours.value_or(gander_message{});
  if (!ours) {
    m.queue = sdk::str(queue);
    m.body = sdk::bytes(payload);
    m.priority = GANDER_PRIORITY_NORMAL;
    const std::string_view message_id = message_id_of(properties);
    const auto id = read_id(message_id);
    m.id = id ? *id : id_of_content(message_id, payload);
  }
  m.crashes += static_cast<std::uint32_t>(returns);
  if (returned != nullptr) *returned = returns;
  return sdk::OwnedMessage(m);
}

bool has_id(std::string_view payload, const gander_id& id) {
  const auto ours = unpack(payload);
  return ours && sdk::IdEqual()(ours->id, id);
}

}  // namespace gander::rabbitmq
