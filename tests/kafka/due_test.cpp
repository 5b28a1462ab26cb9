// What is to come, as its owner has it in memory.
#include <gtest/gtest.h>

#include "due.h"

namespace gander::kafka {
namespace {

class KafkaDue : public testing::Test {
 protected:
  void SetUp() override {
    due_.assign(0);
    due_.reached_end(0, 0);
  }
  void add(int n, const std::string& queue, std::size_t size = 1) {
    const std::string body(size, 'x');
    gander_message m{};
    m.id.bytes[0] = static_cast<std::uint8_t>(n);
    m.queue = sdk::str(queue);
    m.body = {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()};
    m.run_at_us = n;
    due_.arrive(0, n, sdk::view(m.id), &m);
  }
  std::vector<int> take(std::size_t most, std::size_t most_bytes = SIZE_MAX) {
    std::vector<int> all;
    for (const Due::Entry* entry : due_.due(100, most, most_bytes))
      all.push_back(entry->message.id.bytes[0]);
    for (const int n : all) due_.erase(gander_id{{static_cast<std::uint8_t>(n)}});
    return all;
  }
  Due due_;
};

TEST_F(KafkaDue, NoQueueWaitsForWhatIsDueOfAnother) {
  for (const int n : {1, 2, 3, 4}) add(n, "a");
  for (const int n : {5, 6}) add(n, "b");
  add(7, "c");
  EXPECT_EQ(take(3), (std::vector<int>{1, 5, 7}));
  EXPECT_EQ(take(1), std::vector<int>{6});
  EXPECT_EQ(take(1), std::vector<int>{2});
  EXPECT_EQ(take(9), (std::vector<int>{3, 4}));
}

TEST_F(KafkaDue, SoManyBytesAreEnoughAndOneMessageAlwaysGoes) {
  for (const int n : {1, 2, 3}) add(n, "a", 600);
  EXPECT_EQ(take(9, 1000), (std::vector<int>{1, 2}));
  EXPECT_EQ(take(9, 100), std::vector<int>{3});
}

TEST_F(KafkaDue, WhatIsPostponedHoldsUpNobody) {
  for (const int n : {1, 2}) add(n, "a");
  due_.postpone(gander_id{{1}}, 200);
  EXPECT_EQ(take(9), std::vector<int>{2});
  EXPECT_EQ(due_.next(), 200);
  due_.erase(gander_id{{1}});
  EXPECT_EQ(due_.next(), 0);
}

TEST_F(KafkaDue, WhatIsAboutToBeAnothersIsNotDue) {
  add(1, "a");
  due_.park_all();
  EXPECT_EQ(take(9), std::vector<int>{});
}

}  // namespace
}  // namespace gander::kafka
