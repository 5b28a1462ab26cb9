// What waits for room in the metadata of the commit, and what is behind it.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>

#include <gander/sdk/message_bytes.hpp>
#include "stock.h"

namespace gander::kafka {
namespace {

gander_message message_of(std::uint64_t n) {
  gander_message m{};
  std::memcpy(m.id.bytes, &n, sizeof n);
  return m;
}

// Everything of a partition is handed out until its map is full, and more waits behind.
class KafkaBlocked : public testing::Test {
 protected:
  void SetUp() override {
    partition_ = &assign("t");
    while (arrived_ < 30'000) arrive();
    take(40'000);
    ASSERT_LT(taken_.size(), arrived_);
    ASSERT_FALSE(stock_.any("q"));
  }
  Partition& assign(const std::string& topic) {
    Partition made;
    made.topic = topic, made.queue = "q", made.priority = 1;
    return stock_.assign(std::move(made));
  }
  void arrive() {
    std::string value;
    sdk::write_message(message_of(arrived_), "", 0, value);
    ASSERT_TRUE(stock_.arrive(*partition_, static_cast<std::int64_t>(arrived_), value));
    ++arrived_;
  }
  // The numbers of what came now.
  std::vector<std::uint64_t> take(std::uint32_t most) {
    auto made = std::make_unique<sdk::Batch>();
    stock_.take({sdk::str("q"), most, 0}, 0, "w", *made);
    std::vector<std::uint64_t> numbers;
    gander_batch* batch = sdk::Batch::give(std::move(made));
    if (batch == nullptr) return numbers;
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      std::uint64_t n = 0;
      std::memcpy(&n, batch->items[i].id.bytes, sizeof n);
      numbers.push_back(n);
      taken_[n] = message_of(n);
      taken_[n].receipt[0] = batch->items[i].receipt[0];
    }
    batch->release(batch);
    return numbers;
  }
  bool ack(std::uint64_t n) {
    return stock_.finish(*stock_.find(taken_.at(n), "w")) == &partition_->queue;
  }

  Stock stock_{0};
  Partition* partition_ = nullptr;
  std::uint64_t arrived_ = 0;
  std::map<std::uint64_t, gander_message> taken_;
};

TEST_F(KafkaBlocked, WhatArrivesWhenThereIsRoomAgainDoesNotOvertakeIt) {
  const std::uint64_t oldest = taken_.size();
  EXPECT_TRUE(ack(0)) << "nobody is told that there is room";
  arrive();
  EXPECT_EQ(take(1), std::vector<std::uint64_t>{oldest});
  auto next = *Offsets::decode(partition_->offsets.base(), partition_->offsets.encode());
  EXPECT_EQ(next.give_back_all({1, 0}), oldest) << "a crash is counted for what never began";
}

TEST_F(KafkaBlocked, OneThatIsGivenBackNeedsNoRoom) {
  stock_.give_back(*stock_.find(taken_.at(5), "w"), taken_.at(5));
  EXPECT_EQ(take(10), std::vector<std::uint64_t>{5});
}

TEST_F(KafkaBlocked, ItIsRemovedAndPutBackInItsPlace) {
  const auto oldest = static_cast<std::int64_t>(taken_.size());
  Ranges some;
  some.add(oldest, oldest + 2);
  std::vector<Record> removed;
  stock_.withhold(*partition_, some, removed);
  ASSERT_EQ(removed.size(), 2U);
  for (Record& record : removed) stock_.put_back(std::move(record));
  EXPECT_EQ(take(1), std::vector<std::uint64_t>{});
  for (const std::uint64_t n : {0U, 1U, 2U}) ack(n);
  const auto first = static_cast<std::uint64_t>(oldest);
  EXPECT_EQ(take(3), (std::vector<std::uint64_t>{first, first + 1, first + 2}));
}

TEST_F(KafkaBlocked, OfALogThatBeganAnewNothingIsLeft) {
  Partition& fresh = stock_.begin_anew(*partition_);
  EXPECT_FALSE(stock_.any("q"));
  EXPECT_FALSE(stock_.full("q", 1));
  EXPECT_EQ(stock_.find(taken_.at(0), "w"), nullptr) << "its offset is another's now";
  EXPECT_EQ(fresh.offsets.base(), 0);
  EXPECT_TRUE(fresh.dirty && fresh.owned);
  std::string value;
  sdk::write_message(message_of(1), "", 0, value);
  EXPECT_FALSE(stock_.arrive(fresh, 7, value)) << "what lies before it would be passed over";
}

}  // namespace
}  // namespace gander::kafka
