#include "rows.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace gander::rabbitmq {
namespace {

// No text begins so.
constexpr std::string_view kMagic{"\0gnd", 4};
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFixed = 4 + 4 + 16 + 4 * 8 + 3 * 4 + 1 + 2;
constexpr std::size_t kLongestNote = 0xFFFF;
constexpr std::uint8_t kPersistent = 2;
constexpr const char* kHex = "0123456789abcdef";

template <class Number>
void put(std::string& to, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    to += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}
template <class Number>
Number get(std::string_view& from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    value |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  from.remove_prefix(sizeof(Number));
  return static_cast<Number>(value);
}

// False when it is not ours, or cut.
bool unpack(std::string_view from, gander_message& m) {
  if (from.size() < kFixed || !from.starts_with(kMagic)) return false;
  from.remove_prefix(kMagic.size());
  if (get<std::uint8_t>(from) != kVersion) return false;
  m.priority = std::min<std::uint32_t>(get<std::uint8_t>(from), GANDER_PRIORITY_LOW);
  m.state = get<std::uint8_t>(from);
  get<std::uint8_t>(from);
  std::memcpy(m.id.bytes, from.data(), sizeof m.id.bytes);
  from.remove_prefix(sizeof m.id.bytes);
  for (std::int64_t* us : {&m.enqueued_at_us, &m.run_at_us, &m.first_failed_at_us, &m.failed_at_us})
    *us = get<std::int64_t>(from);
  for (std::uint32_t* n : {&m.attempts, &m.crashes, &m.give_backs}) *n = get<std::uint32_t>(from);
  const std::size_t queue = get<std::uint8_t>(from);
  const std::size_t note = get<std::uint16_t>(from);
  if (from.size() < queue + note) return false;
  m.queue = sdk::str(from.substr(0, queue));
  m.note = sdk::str(from.substr(queue, note));
  m.body = sdk::bytes(from.substr(queue + note));
  return true;
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
    byte = static_cast<std::uint8_t>(byte << 4U | value);
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

// magic | version, priority, state, 0 | id | enqueued, run, first failed, failed | attempts,
// crashes, give-backs | lengths of the queue's name and of the note | both | body. Numbers are
// little-endian.
void encode(std::string& payload, const gander_message& m, std::uint32_t state) {
  const std::string_view note = sdk::view(m.note).substr(0, kLongestNote);
  payload.assign(kMagic);
  put(payload, kVersion);
  put(payload, static_cast<std::uint8_t>(m.priority));
  put(payload, static_cast<std::uint8_t>(state));
  put(payload, std::uint8_t{0});
  payload.append(reinterpret_cast<const char*>(m.id.bytes), sizeof m.id.bytes);
  for (const std::int64_t us :
       {m.enqueued_at_us, m.run_at_us, m.first_failed_at_us, m.failed_at_us})
    put(payload, us);
  for (const std::uint32_t n : {m.attempts, m.crashes, m.give_backs}) put(payload, n);
  put(payload, static_cast<std::uint8_t>(m.queue.len));
  put(payload, static_cast<std::uint16_t>(note.size()));
  payload.append(sdk::view(m.queue)).append(note).append(sdk::view(m.body));
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
                         std::string_view queue, bool* returned) {
  const std::int64_t returns = returns_of(properties);
  gander_message m{};
  if (!unpack(payload, m)) {
    m = {};
    m.queue = sdk::str(queue);
    m.body = sdk::bytes(payload);
    m.priority = GANDER_PRIORITY_NORMAL;
    const std::string_view message_id = message_id_of(properties);
    const auto id = read_id(message_id);
    m.id = id ? *id : id_of_content(message_id, payload);
  }
  m.crashes += static_cast<std::uint32_t>(returns);
  if (returned != nullptr) *returned = returns > 0;
  return sdk::OwnedMessage(m);
}

bool has_id(std::string_view payload, const gander_id& id) {
  gander_message m{};
  return unpack(payload, m) && sdk::IdEqual()(m.id, id);
}

}  // namespace gander::rabbitmq
