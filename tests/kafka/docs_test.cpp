// What docs/brokers/kafka.md says of the options is what the plugin has.
#include "../support/page.h"

namespace gander::test {
namespace {

TEST(KafkaPage, NamesEveryOptionWithItsDefault) {
  EXPECT_EQ(expect_options(read_page(GANDER_KAFKA_PAGE)), 19U);
}

}  // namespace
}  // namespace gander::test
