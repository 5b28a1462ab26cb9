#include <gander/error.h>
#include <gander/id.h>

#include <pthread.h>

#include <atomic>
#include <boost/uuid/name_generator_sha1.hpp>
#include <chrono>
#include <cstring>
#include <memory>
#include <random>

namespace gander {
namespace {

// RFC 9562 §6.2 method 1: 48 bits of milliseconds, a 12-bit counter within them, 62 random bits.
// Per thread, so that making an id costs no shared cache line; ids of one thread rise.
std::atomic<unsigned> forks{0};

struct Maker {
  unsigned born = forks.load(std::memory_order_relaxed);
  std::mt19937_64 random{seed()};
  std::uint64_t millis = 0;
  std::uint32_t counter = 0;

  static std::uint64_t seed() {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32U) | device();
  }
  void tick() {
    // A child that went on with its parent's numbers would make the same ids as its brothers, and
    // lose a message to each repeated one.
    if (born != forks.load(std::memory_order_relaxed)) *this = Maker{};
    const auto now =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                       std::chrono::system_clock::now().time_since_epoch())
                                       .count());
    if (now > millis) {
      millis = now;
      counter = static_cast<std::uint32_t>(random() & 0x7FFU);  // room to count
    } else if (++counter > 0xFFFU) {
      ++millis;  // runs ahead of the clock rather than repeat or fall back
      counter = 0;
    }
  }
};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Id Id::make() {
  [[maybe_unused]] static const int watched = pthread_atfork(nullptr, nullptr, [] { ++forks; });
  // on the heap: the generator's 2.5 KiB would be too much for the static TLS of a program that
  // opens this library late
  thread_local const auto own = std::make_unique<Maker>();
  Maker& maker = *own;
  maker.tick();
  std::array<std::uint8_t, 16> b{};
  for (unsigned i = 0; i < 6; ++i) b[i] = static_cast<std::uint8_t>(maker.millis >> (40U - 8U * i));
  b[6] = static_cast<std::uint8_t>(0x70U | (maker.counter >> 8U));
  b[7] = static_cast<std::uint8_t>(maker.counter);
  const std::uint64_t random = maker.random();
  std::memcpy(&b[8], &random, 8);
  b[8] = static_cast<std::uint8_t>(0x80U | (b[8] & 0x3FU));
  return Id(b);
}

Id Id::from_key(std::string_view key) {
  static const boost::uuids::uuid space = {{0x6f, 0x1a, 0x54, 0x0e, 0x3c, 0x9b, 0x4d, 0x27, 0x9e,
                                            0x61, 0x2b, 0x0d, 0x7a, 0x5c, 0x88, 0x13}};
  const boost::uuids::uuid uuid = boost::uuids::name_generator_sha1(space)(key.data(), key.size());
  std::array<std::uint8_t, 16> b{};
  std::copy(uuid.begin(), uuid.end(), b.begin());
  return Id(b);
}

Id Id::parse(std::string_view text) {
  std::array<std::uint8_t, 16> b{};
  const auto refuse = [&] {
    throw Error(Code::invalid_argument, "'" + std::string(text.substr(0, 60)) +
                                            "' is not an id: 8-4-4-4-12 hexadecimal digits are");
  };
  if (text.size() != 36) refuse();
  std::size_t at = 0;
  for (std::size_t i = 0; i < 36;) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i++] != '-') refuse();
      continue;
    }
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) refuse();
    b[at++] = static_cast<std::uint8_t>(high * 16 + low);
    i += 2;
  }
  return Id(b);
}

std::string Id::to_string() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[bytes_[i] >> 4U];
    text += kHex[bytes_[i] & 0xFU];
  }
  return text;
}

}  // namespace gander
