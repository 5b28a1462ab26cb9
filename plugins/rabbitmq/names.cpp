#include "names.h"

#include <bit>

namespace gander::rabbitmq {
namespace {

// With the longest prefix, the bits of the cascade and the priority it stays below 255 bytes, the
// most that AMQP has room for in a name or a routing key.
constexpr std::size_t kLongestAddress = 120;
constexpr std::size_t kHashDigits = 32;
constexpr const char* kHex = "0123456789ABCDEF";

bool stays(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == ':' || c == '-';
}

// FNV-1a, of 64 bits.
std::uint64_t hash(std::string_view text, std::uint64_t basis) {
  for (const char c : text) basis = (basis ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return basis;
}

std::string hex(std::uint64_t value) {
  std::string out(16, '0');
  for (std::size_t i = 0; i < 16; ++i) out[15 - i] = kHex[value >> (4 * i) & 15U];
  return out;
}

}  // namespace

std::string address_of(std::string_view queue) {
  std::string out;
  for (const char c : queue) {
    if (stays(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  }
  if (out.size() <= kLongestAddress) return out;
  out.resize(kLongestAddress - kHashDigits - 1);
  return out + "~" + hex(hash(queue, 0xCBF29CE484222325ULL)) +
         hex(hash(queue, 0x84222325CBF29CE4ULL));
}

std::string delay_key(std::int64_t seconds, std::string_view address, std::uint32_t priority) {
  std::string key;
  for (int k = kDelayLevels - 1; k >= 0; --k) key += (seconds >> k & 1) != 0 ? "1." : "0.";
  return key.append(address).append(".").append(std::to_string(priority));
}

int first_level(std::int64_t seconds) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(seconds))) - 1;
}

}  // namespace gander::rabbitmq
