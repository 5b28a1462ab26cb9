// How a delay becomes a level and a routing key.
#include "names.h"

#include <gtest/gtest.h>

namespace gander::rabbitmq {
namespace {

// The key of these bits, the highest first.
std::string key_of(const std::string& bits) {
  std::string key;
  for (const char bit : bits) key += std::string(1, bit) + ".";
  return key + "mail.1";
}
std::string zeros(int n) { return std::string(static_cast<std::size_t>(n), '0'); }
std::string key(std::int64_t seconds) { return delay_key(seconds, "mail", 1); }

TEST(RabbitNames, ADelayComesFirstToTheLevelOfItsHighestBit) {
  for (int k = 0; k < kDelayLevels; ++k) {
    const std::int64_t power = std::int64_t{1} << k;
    EXPECT_EQ(first_level(power), k);
    EXPECT_EQ(first_level(2 * power - 1), k);
  }
  EXPECT_EQ(first_level(kLongestDelay), kDelayLevels - 1);
}

TEST(RabbitNames, ADelaysKeyHasABitForEachLevelTheHighestFirst) {
  EXPECT_EQ(key(1), key_of(zeros(27) + "1"));
  EXPECT_EQ(key(2), key_of(zeros(26) + "10"));
  EXPECT_EQ(key(3), key_of(zeros(26) + "11"));
  EXPECT_EQ(key(std::int64_t{1} << 27), key_of("1" + zeros(27)));
  EXPECT_EQ(key(kLongestDelay), key_of(std::string(28, '1')));
  EXPECT_EQ(kLongestDelay, 268'435'455);
}

}  // namespace
}  // namespace gander::rabbitmq
