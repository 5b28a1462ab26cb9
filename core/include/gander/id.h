// gander/id.h -- the id of a message: a UUID, so that ids of one process grow with time.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace gander {

class Id {
 public:
  constexpr Id() = default;  // the nil id: all zero
  explicit constexpr Id(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}

  // A fresh UUIDv7 (RFC 9562): rising within a process, even when the clock is set back.
  // Thread-safe.
  static Id make();
  // The same id for the same key, always (UUIDv5): enqueue under it, and the key runs once however
  // often it is sent, for as long as its message is stored.
  static Id from_key(std::string_view key);
  // From "018f3b1e-...": throws Error(invalid_argument) for any other text.
  static Id parse(std::string_view text);

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  [[nodiscard]] constexpr bool is_nil() const { return *this == Id{}; }
  friend constexpr auto operator<=>(const Id&, const Id&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace gander
