// What an operator does to messages that are ready, which lie in partitions that workers own: by
// whoever owns them, or by nobody.
#include <gtest/gtest.h>

#include <list>
#include <optional>
#include <set>
#include <thread>

#include "../support/operator.h"
#include "cluster.h"

namespace gander::test {
namespace {

class KafkaReady : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_SERVER(url, "kafka");
    url_ = url;
    cluster_.emplace(url);
    desk_.emplace(broker_on(host_, url_, cluster_->prefix()));
    op_.emplace(*desk_);
  }
  Broker& worker(const std::string& name = "") {
    return brokers_.emplace_back(
        broker_on(host_, url_, cluster_->prefix(), {{"member", name}, {"lease_ms", "60000"}}));
  }
  void enqueue(std::uint64_t first, std::uint64_t last, const std::string& queue = "default") {
    std::vector<Message> all;
    for (std::uint64_t n = first; n <= last; ++n) all.push_back(message(n, queue));
    for (const gander_status one : desk_->open(GANDER_ROLE_PRODUCE).enqueue(std::move(all)))
      ASSERT_EQ(one, GANDER_OK);
  }
  std::uint64_t purge() {
    return op_->purge(GANDER_STATE_READY, "default", 0, Call(std::chrono::seconds(20)));
  }
  std::set<std::uint64_t> take(Session& consumer, std::size_t n,
                               const std::string& queue = "default") {
    std::set<std::uint64_t> all;
    for (const gander_message& m : take_until(consumer, n, keep_, queue)) {
      all.insert(number_of(m.id));
      held_[number_of(m.id)] = m;
    }
    return all;
  }

  FakeHost host_;
  std::string url_;
  std::optional<Cluster> cluster_;
  std::optional<Broker> desk_;
  std::optional<Operator> op_;
  std::list<Broker> brokers_;
  std::vector<Taken> keep_;
  std::map<std::uint64_t, gander_message> held_;
};

TEST_F(KafkaReady, WithNoWorkerThereItIsRemovedAllTheSame) {
  enqueue(1, 5);
  EXPECT_EQ(op_->remove({2, 4, 9}), (Statuses{GANDER_OK, GANDER_OK, GANDER_NOT_FOUND}));
  EXPECT_EQ(op_->remove({2}), Statuses{GANDER_NOT_FOUND});
  Session consumer = consumer_on(worker(), "w");
  EXPECT_EQ(take(consumer, 3), (std::set<std::uint64_t>{1, 3, 5}));
  EXPECT_EQ(consumer.take(10).size(), 0U);
}

TEST_F(KafkaReady, OfTwoOperatorsNoneTakesBackWhatTheOtherHasRemoved) {
  enqueue(1, 8);
  const auto remove = [&](Numbers numbers) {
    Broker desk = broker_on(host_, url_, cluster_->prefix());
    Operator op(desk);
    for (const std::uint64_t n : numbers) EXPECT_EQ(op.remove({n}), Statuses{GANDER_OK}) << n;
  };
  std::thread odd([&] { remove({1, 3, 5}); });
  remove({2, 4, 6});
  odd.join();
  Session consumer = consumer_on(worker(), "w");
  EXPECT_EQ(take(consumer, 2), (std::set<std::uint64_t>{7, 8}));
  EXPECT_EQ(consumer.take(10).size(), 0U);
}

TEST_F(KafkaReady, OfAQueueThatNoWorkerTakesFromItIsRemovedByAnother) {
  enqueue(1, 3);
  enqueue(11, 13, "other");
  Session consumer = consumer_on(worker(), "w", "other");
  EXPECT_EQ(take(consumer, 3, "other"), (std::set<std::uint64_t>{11, 12, 13}));
  EXPECT_EQ(op_->remove({2, 12}), (Statuses{GANDER_OK, GANDER_INVALID_STATE}));
  EXPECT_EQ(purge(), 2U);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, held_.at(12)), GANDER_OK);
  Session late = consumer_on(worker(), "late");
  EXPECT_EQ(late.take(10).size(), 0U);
}

TEST_F(KafkaReady, WhatWasRemovedStaysRemovedWhenItsWorkerDies) {
  enqueue(1, 6);
  Session before = consumer_on(worker("w1"), "before");
  EXPECT_EQ(take(before, 1), std::set<std::uint64_t>{1});
  EXPECT_EQ(op_->remove({1, 3, 4}), (Statuses{GANDER_INVALID_STATE, GANDER_OK, GANDER_OK}));
  Session after = consumer_on(worker("w1"), "after");  // the first is as good as dead
  EXPECT_EQ(take(after, 4), (std::set<std::uint64_t>{1, 2, 5, 6}));
  EXPECT_EQ(held_.at(1).crashes, 1U);
  EXPECT_EQ(held_.at(2).crashes, 0U) << "it had only waited";
  EXPECT_EQ(after.take(10).size(), 0U);
}

TEST_F(KafkaReady, APurgeLeavesWhatIsHeldAndWhatComesAfter) {
  enqueue(1, 10);
  Session consumer = consumer_on(worker(), "w");
  EXPECT_EQ(take(consumer, 3), (std::set<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(purge(), 7U);
  EXPECT_EQ(purge(), 0U);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_GIVE_BACK, held_.at(2)), GANDER_OK);
  enqueue(11, 12);
  EXPECT_EQ(take(consumer, 3), (std::set<std::uint64_t>{2, 11, 12}));
}

// So many are not read to be purged.
TEST_F(KafkaReady, AFloodIsPurgedWithoutReadingIt) {
  for (std::uint64_t n = 0; n < 60'000; n += 5'000) enqueue(n + 1, n + 5'000);
  Session consumer = consumer_on(worker(), "w");
  EXPECT_EQ(take(consumer, 10).size(), 10U);
  EXPECT_EQ(purge(), 59'990U);
  EXPECT_EQ(consumer.take(10).size(), 0U);
  for (const auto& [n, m] : held_) EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
  EXPECT_TRUE(eventually(
      [&] { return cluster_->committed(cluster_->prefix() + ".q.default.1").first == 60'000; }));
}

TEST_F(KafkaReady, WhatIsMovedIsInOnePlaceAtATime) {
  enqueue(1, 3);
  EXPECT_EQ(op_->move({1}, {GANDER_STATE_DEAD}), Statuses{GANDER_OK}) << "with no worker there";
  Session consumer = consumer_on(worker(), "w");
  EXPECT_EQ(take(consumer, 1), std::set<std::uint64_t>{2});
  EXPECT_EQ(op_->move({2, 3}, {GANDER_STATE_READY, "other"}),
            (Statuses{GANDER_INVALID_STATE, GANDER_OK}));
  EXPECT_EQ(consumer.take(10).size(), 0U);
  EXPECT_EQ(take(consumer, 1, "other"), std::set<std::uint64_t>{3});
  EXPECT_EQ(op_->move({1}, {GANDER_STATE_READY}), Statuses{GANDER_OK}) << "the dead letter";
  EXPECT_EQ(take(consumer, 1), std::set<std::uint64_t>{1});
}

}  // namespace
}  // namespace gander::test
