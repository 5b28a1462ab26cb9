// What is to come, as its owner has it in memory.
#include <gtest/gtest.h>

#include "due.h"

namespace gander::kafka {
namespace {

class KafkaDue : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::int32_t partition : {0, 1}) {
      due_.assign(partition);
      due_.reached_end(partition, 0);
    }
  }
  static Due::Place place(int n, std::int64_t offset, std::int32_t partition = 0) {
    return {gander_id{{static_cast<std::uint8_t>(n)}}, partition, offset};
  }
  void add(int n, const std::string& queue, std::size_t size = 1) { add(place(n, n), queue, size); }
  void add(const Due::Place& place, const std::string& queue = "a", std::size_t size = 1) {
    const std::string body(size, 'x');
    gander_message m{};
    m.id = place.id;
    m.queue = sdk::str(queue);
    m.body = {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()};
    m.run_at_us = place.id.bytes[0];
    due_.arrive(place.partition, place.offset, sdk::view(m.id), &m);
  }
  void add_tombstone(const Due::Place& place) {
    due_.arrive(place.partition, place.offset, sdk::view(place.id), nullptr);
  }
  std::vector<int> take(std::size_t most, std::size_t most_bytes = SIZE_MAX) {
    std::vector<int> all;
    std::vector<Due::Place> places;
    for (const Due::Entry* entry : due_.due(100, most, most_bytes)) {
      all.push_back(entry->message.id.bytes[0]);
      places.push_back(entry->place());
    }
    for (const Due::Place& one : places) due_.erase(one);
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
  due_.postpone(place(1, 1), 200);
  EXPECT_EQ(take(9), std::vector<int>{2});
  EXPECT_EQ(due_.next(), 200);
  due_.erase(place(1, 1));
  EXPECT_EQ(due_.next(), 0);
}

// As after the topic was given more partitions: the old ones may be read after the new.
TEST_F(KafkaDue, WhatLiesInAnotherPartitionSaysNothingOfIt) {
  add(place(1, 0, 1));
  add(place(1, 0, 0));
  add_tombstone(place(1, 1, 0));
  EXPECT_TRUE(due_.has(place(1, 0, 1)));
  EXPECT_EQ(take(9), std::vector<int>{1}) << "it is in the log, and never due";
  EXPECT_EQ(due_.next(), 0);
  add(place(2, 1, 1));
  add(place(2, 2, 0));
  due_.park_all();
  due_.assign(1);
  due_.forget_parked();
  due_.reached_end(1, 2);
  EXPECT_EQ(take(9), std::vector<int>{2}) << "it went with the partition of its like";
}

TEST_F(KafkaDue, WhatIsDoneToARecordIsNotDoneToWhatWasWrittenSince) {
  add(place(1, 5));
  add(place(1, 7));
  EXPECT_FALSE(due_.has(place(1, 5)));
  due_.erase(place(1, 5));
  due_.postpone(place(1, 5), 200);
  EXPECT_TRUE(due_.has(place(1, 7)));
  EXPECT_EQ(take(9), std::vector<int>{1});
}

TEST_F(KafkaDue, WhatIsAboutToBeAnothersIsNotDue) {
  add(1, "a");
  due_.park_all();
  EXPECT_EQ(take(9), std::vector<int>{});
}

}  // namespace
}  // namespace gander::kafka
