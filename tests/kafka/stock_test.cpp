// What waits for room in the metadata of the commit, and what is behind it.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>

#include <gander/sdk/message_bytes.hpp>
#include "removal.h"
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

// A partition with so many holes, made by an operator, that there is room for no more.
class KafkaHoles : public testing::Test {
 protected:
  void own(Offsets offsets) {
    Partition made;
    made.topic = "t", made.queue = "q", made.priority = 1;
    made.expected = offsets.base();
    made.offsets = std::move(offsets);
    partition_ = &stock_.assign(std::move(made));
    std::string value;
    for (std::int64_t offset = partition_->expected; offset < kAll; ++offset) {
      value.clear();
      sdk::write_message(message_of(static_cast<std::uint64_t>(offset)), "", 0, value);
      stock_.arrive(*partition_, offset, value);
    }
  }
  // As the owner does it, what waits aside.
  Removed remove(std::int64_t from, std::int64_t to) {
    Settlement settlement;
    Removed done = settlement.add({"t", 0, from, to, std::nullopt}, partition_->offsets);
    std::vector<Record> gone;
    stock_.withhold(*partition_, done.offsets, gone);
    return done;
  }
  std::int64_t make_holes() {
    std::int64_t at = 2;
    while (at < kAll && !remove(at, at + 1).full) at += 2;
    return at;
  }
  // One at a time, until nothing comes; how many.
  std::int64_t run_all() {
    for (std::int64_t n = 0;; ++n) {
      sdk::Batch batch;
      stock_.take({sdk::str("q"), 1, 0}, 0, "w", batch);
      EXPECT_LE(partition_->offsets.encode().size(), 4096U);
      if (batch.size() == 0) return n;
      finish_last();
    }
  }
  void finish_last() {
    const std::uint64_t receipt = stock_.last_receipt();
    for (std::int64_t n = 0; n < kAll; ++n) {
      gander_message m = message_of(static_cast<std::uint64_t>(n));
      m.receipt[0] = receipt;
      if (const Delivery* found = stock_.find(m, "w")) {
        stock_.finish(*found);
        return;
      }
    }
    FAIL() << "nothing was handed out";
  }

  static constexpr std::int64_t kAll = 2000;
  Stock stock_{0};
  Partition* partition_ = nullptr;
};

TEST_F(KafkaHoles, WhatIsLeftRunsWhenWhatRanIsDone) {
  own(Offsets(0));
  sdk::Batch batch;
  stock_.take({sdk::str("q"), 1, 0}, 0, "w", batch);
  const std::int64_t end = make_holes();
  ASSERT_LT(end, kAll);
  sdk::Batch more;
  stock_.take({sdk::str("q"), 5, 0}, 0, "w", more);
  EXPECT_EQ(more.size(), 5U) << "nothing runs beside a long job";
  const auto holes = (end - 2) / 2;
  Stock other(0);
  std::swap(stock_, other);  // its owner leaves, and all that was held comes again
  Offsets offsets = *Offsets::decode(partition_->offsets.base(), partition_->offsets.encode());
  offsets.give_back_all({});
  own(std::move(offsets));
  EXPECT_EQ(run_all(), kAll - holes);
  EXPECT_EQ(partition_->offsets.base(), kAll);
}

TEST_F(KafkaHoles, WhatIsLeftCanBePurged) {
  own(Offsets(0));
  make_holes();
  EXPECT_TRUE(remove(kAll - 5, kAll - 4).full);
  EXPECT_FALSE(remove(0, kAll).full);
  EXPECT_EQ(partition_->offsets.base(), kAll);
}

// Of a commit of old, in which removals have left no room at all.
TEST_F(KafkaHoles, OneRunsAtATimeWhereThereIsNoRoom) {
  Offsets offsets(0);
  for (std::int64_t i = 0; i < 380; ++i) offsets.remove(2 + 2 * i, 3 + 2 * i);
  own(*Offsets::decode(0, offsets.encode()));
  sdk::Batch batch;
  stock_.take({sdk::str("q"), 9, 0}, 0, "w", batch);
  EXPECT_EQ(batch.size(), 1U);
  EXPECT_FALSE(stock_.any("q"));
  finish_last();
  EXPECT_TRUE(stock_.any("q"));
  EXPECT_EQ(run_all(), kAll - 380 - 1);
}

// What cannot be read, each between two jobs, while a job before it runs for long.
TEST(KafkaStock, WhatIsNoMessageTakesNoRoom) {
  Stock stock(0);
  Partition made;
  made.topic = "t", made.queue = "q", made.priority = 1;
  Partition& p = stock.assign(std::move(made));
  std::string value;
  sdk::write_message(message_of(0), "", 0, value);
  stock.arrive(p, 0, value);
  sdk::Batch batch;
  stock.take({sdk::str("q"), 1, 0}, 0, "w", batch);
  for (std::int64_t offset = 1; offset < 3000; offset += 2) {
    EXPECT_THROW(stock.arrive(p, offset, "no message"), sdk::Error);
    EXPECT_TRUE(stock.arrive(p, offset + 1, value));
    ASSERT_TRUE(p.offsets.is_done(offset));
  }
  EXPECT_LE(p.offsets.encode().size(), 100U);
  EXPECT_TRUE(p.offsets.has_room());
  sdk::Batch more;
  stock.take({sdk::str("q"), 100, 0}, 0, "w", more);
  EXPECT_EQ(more.size(), 100U);
  p.dirty = stock.changed = false;
  EXPECT_THROW(stock.arrive(p, 3001, ""), sdk::Error);
  EXPECT_TRUE(p.dirty && stock.changed) << "what lies before it is not committed";
}

}  // namespace
}  // namespace gander::kafka
