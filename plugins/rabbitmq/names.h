// What exchanges and queues are called. A queue of gander's becomes an address, in which nothing is
// left that topic routing, patterns of permissions or the limit of 255 bytes could trip over.
// Immutable; [any].
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace gander::rabbitmq {

inline constexpr int kPriorities = 3;
// Level k of the cascade holds a message for 2^k seconds.
inline constexpr int kDelayLevels = 28;
inline constexpr std::int64_t kLongestDelay = (std::int64_t{1} << kDelayLevels) - 1;

// [A-Za-z0-9_:-] as they are, the rest as %XX; what would be too long ends in a hash of the whole.
std::string address_of(std::string_view queue);

class Names {
 public:
  explicit Names(std::string prefix) : prefix_(std::move(prefix)) {}

  [[nodiscard]] std::string work(std::string_view address, std::uint32_t priority) const {
    return prefix_ + ".q." + std::string(address) + "." + std::to_string(priority);
  }
  // Of suspects (suspects.cpp).
  [[nodiscard]] std::string alone(std::string_view address) const {
    return prefix_ + ".q." + std::string(address) + ".alone";
  }
  // All that hold what is ready, in the order in which they are taken from.
  [[nodiscard]] std::array<std::string, kPriorities + 1> ready(std::string_view address) const {
    return {alone(address), work(address, 0), work(address, 1), work(address, 2)};
  }
  [[nodiscard]] std::string dead(std::string_view address) const {
    return prefix_ + ".dead." + std::string(address);
  }
  // Exchange and queue alike.
  [[nodiscard]] std::string level(int k) const {
    return prefix_ + ".lvl." + (k < 10 ? "0" : "") + std::to_string(k);
  }
  [[nodiscard]] std::string deliver() const { return prefix_ + ".deliver"; }
  [[nodiscard]] std::string dead_exchange() const { return prefix_ + ".dlx"; }
  [[nodiscard]] std::string unrouted() const { return prefix_ + ".unrouted"; }
  [[nodiscard]] std::string registry() const { return prefix_ + ".names"; }
  // An exchange that nobody publishes to. It is there to be asked of what type it is.
  [[nodiscard]] std::string state(std::string_view address) const {
    return prefix_ + ".state." + std::string(address);
  }
  // An exchange that nobody publishes to, and a queue that one connection has (build.h).
  [[nodiscard]] std::string built(const std::string& part) const {
    return prefix_ + ".built." + part;
  }
  [[nodiscard]] std::string building(const std::string& part) const {
    return prefix_ + ".building." + part;
  }
  // Where operators tell what they did to a queue: one key for the workers that take from it, and
  // one for those that would.
  [[nodiscard]] std::string control() const { return prefix_ + ".control"; }
  [[nodiscard]] std::string control_of(const std::string& incarnation) const {
    return prefix_ + ".control." + incarnation;
  }
  [[nodiscard]] std::string desk() const { return prefix_ + ".desk"; }

 private:
  std::string prefix_;
};

inline std::string takers_key(std::string_view address) { return "take." + std::string(address); }
inline std::string listeners_key(std::string_view address) {
  return "hear." + std::string(address);
}
// "0.0. ... 1.0.1.<address>.<priority>": a message with this key stays at each level whose bit of
// `seconds` is 1.
std::string delay_key(std::int64_t seconds, std::string_view address, std::uint32_t priority);
// The level that comes first: that of the highest bit.
int first_level(std::int64_t seconds);

}  // namespace gander::rabbitmq
