// What stands in the log and in the group's commit, and cannot be read, or is gone: nothing is
// skipped for it, and nothing stops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gander/sdk/message_bytes.hpp>
#include <optional>
#include <set>

#include "../support/operator.h"
#include "cluster.h"

namespace gander::test {
namespace {

class KafkaLog : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_SERVER(url, "kafka");
    url_ = url;
    cluster_.emplace(url);
    topic_ = cluster_->prefix() + ".q.default.1";
  }
  Broker broker() { return broker_on(host_, url_, cluster_->prefix()); }
  static std::set<std::uint64_t> numbers(const std::vector<gander_message>& all) {
    std::set<std::uint64_t> set;
    for (const gander_message& m : all) set.insert(number_of(m.id));
    return set;
  }

  FakeHost host_;
  std::string url_, topic_;
  std::optional<Cluster> cluster_;
};

// Ten are taken, the even ones acked, and the worker leaves.
void run_even_ones(Broker& broker) {
  broker.open(GANDER_ROLE_PRODUCE)
      .enqueue({message(1), message(2), message(3), message(4), message(5), message(6)});
  Session consumer = consumer_on(broker, "first");
  std::vector<Taken> keep;
  for (const gander_message& m : take_until(consumer, 6, keep))
    if (number_of(m.id) % 2 == 0) {
      EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
    }
}

TEST_F(KafkaLog, WhatWasAckedOutOfOrderStaysAckedForTheNextWorker) {
  {
    Broker first = broker();
    run_even_ones(first);
  }
  Broker second = broker();
  Session consumer = consumer_on(second, "second");
  std::vector<Taken> keep;
  const auto all = take_until(consumer, 3, keep);
  EXPECT_EQ(numbers(all), (std::set<std::uint64_t>{1, 3, 5}));
  for (const gander_message& m : all) {
    EXPECT_EQ(m.crashes, 0U);
    EXPECT_EQ(m.give_backs, 1U);
    consumer.settle(GANDER_SETTLE_ACK, m);
  }
  EXPECT_EQ(consumer.take(10).size(), 0U);
}

TEST_F(KafkaLog, ACommitThatCannotBeReadSkipsNothing) {
  {
    Broker first = broker();
    run_even_ones(first);
  }
  const auto before = cluster_->committed(topic_);
  cluster_->commit(topic_, before.first, "written by something else");
  Broker second = broker();
  Session consumer = consumer_on(second, "second");
  std::vector<Taken> keep;
  const auto all = take_until(consumer, 6 - static_cast<std::size_t>(before.first), keep);
  EXPECT_EQ(all.size(), 6U - static_cast<std::size_t>(before.first));
}

// What is committed counts from a base that lies before the begin of the log by then.
TEST_F(KafkaLog, WhereRecordsWereDeletedAnOperatorTakesNothingForDoneThatIsNot) {
  Broker one = broker();
  run_even_ones(one);
  cluster_->delete_before(topic_, 1);
  Operator op(one);
  EXPECT_THAT(op.list(GANDER_STATE_READY), testing::UnorderedElementsAre(3, 5));
  EXPECT_EQ(op.remove({3}), Statuses{GANDER_OK});
  Session consumer = consumer_on(one, "second");
  std::vector<Taken> keep;
  EXPECT_EQ(numbers(take_until(consumer, 1, keep)), std::set<std::uint64_t>{5});
  EXPECT_EQ(consumer.take(10).size(), 0U);
}

TEST_F(KafkaLog, ACommitThatHasExpiredRunsAllAgain) {
  {
    Broker first = broker();
    run_even_ones(first);
  }
  cluster_->forget_offsets();
  Broker second = broker();
  Session consumer = consumer_on(second, "second");
  std::vector<Taken> keep;
  EXPECT_EQ(numbers(take_until(consumer, 6, keep)), (std::set<std::uint64_t>{1, 2, 3, 4, 5, 6}));
}

// As after a power cut that took the end of the log, which the commit has survived.
TEST_F(KafkaLog, WhatIsEnqueuedToALogShorterThanItsCommitRunsAllTheSame) {
  {
    Broker first = broker();
    run_even_ones(first);
  }
  cluster_->commit(topic_, 100, cluster_->committed(topic_).second);
  Broker second = broker();
  Session consumer = consumer_on(second, "second");
  second.open(GANDER_ROLE_PRODUCE).enqueue({message(7)});
  std::vector<Taken> keep;
  const auto all = take_until(consumer, 7, keep);
  EXPECT_EQ(numbers(all), (std::set<std::uint64_t>{1, 2, 3, 4, 5, 6, 7}));
  for (const gander_message& m : all) EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
  EXPECT_TRUE(eventually([&] { return cluster_->committed(topic_).first == 7; }));
  EXPECT_FALSE(host_.warnings_of("its log is shorter than").empty());
}

TEST_F(KafkaLog, ATopicThatIsMadeAnewUnderALiveWorkerIsReadFromItsBegin) {
  GANDER_REQUIRE_DELETIONS();
  Broker one = broker();
  Session consumer = consumer_on(one, "w");
  one.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3)});
  std::vector<Taken> keep;
  const auto all = take_until(consumer, 3, keep);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, all.at(1)), GANDER_OK);
  cluster_->remove(topic_);
  EXPECT_TRUE(eventually([&] {
    try {
      cluster_->create(topic_, {{"retention.ms", "-1"}});
      Session fresh = one.open(GANDER_ROLE_PRODUCE);
      return fresh.enqueue({message(4)}, Call(std::chrono::seconds(3))).at(0) == GANDER_OK;
    } catch (const std::exception&) {
      return false;  // it is not gone yet
    }
  }));
  EXPECT_EQ(numbers(take_until(consumer, 1, keep)), std::set<std::uint64_t>{4});
}

// Neither a worker, nor an operator who looks.
TEST_F(KafkaLog, ARecordThatIsNoMessageHoldsUpNobody) {
  Broker one = broker();
  Session producer = one.open(GANDER_ROLE_PRODUCE);
  Operator op(one);
  producer.enqueue({message(1)});
  op.list(GANDER_STATE_DEAD);  // which makes its topic
  const std::string sixteen(16, 'k');
  for (const std::string& topic : {topic_, cluster_->prefix() + ".dead"})
    cluster_->produce(topic, "no job of ours", sixteen);
  producer.enqueue({message(2)});
  EXPECT_THAT(op.list(GANDER_STATE_READY), testing::UnorderedElementsAre(1, 2));
  EXPECT_EQ(op.list(GANDER_STATE_DEAD), Numbers{});
  EXPECT_FALSE(host_.warnings_of(topic_ + "[0] offset 1: ").empty());
  Session consumer = consumer_on(one, "w");
  std::vector<Taken> keep;
  const auto all = take_until(consumer, 2, keep);
  EXPECT_EQ(numbers(all), (std::set<std::uint64_t>{1, 2}));
  for (const gander_message& m : all) consumer.settle(GANDER_SETTLE_ACK, m);
  EXPECT_TRUE(eventually([&] { return cluster_->committed(topic_).first >= 3; }))
      << "the commit stands still at it";
}

// As after kafka-topics --alter: by its key it would lie in another partition now.
TEST_F(KafkaLog, WhatIsKeptIsRemovedAndMovedWhereItLies) {
  const std::string dead = cluster_->prefix() + ".dead";
  cluster_->create(dead, {{"cleanup.policy", "compact"}}, 16);
  for (std::uint64_t n = 1; n <= 6; ++n) {
    Message one = message(n);
    const gander_message& m = one.abi();
    std::string value;
    sdk::write_message(m, "default", GANDER_STATE_DEAD, value);
    cluster_->produce(dead, value, std::string(sdk::view(m.id)));  // to its first partition
  }
  Broker one = broker();
  Operator op(one);
  ASSERT_EQ(op.list(GANDER_STATE_DEAD).size(), 6U);
  EXPECT_EQ(op.remove({1, 2}), (Statuses{GANDER_OK, GANDER_OK}));
  EXPECT_EQ(op.move({3, 4}, {GANDER_STATE_DEAD, "other"}), (Statuses{GANDER_OK, GANDER_OK}));
  EXPECT_THAT(op.list(GANDER_STATE_DEAD, "default"), testing::UnorderedElementsAre(5, 6));
  EXPECT_THAT(op.list(GANDER_STATE_DEAD, "other"), testing::UnorderedElementsAre(3, 4));
  EXPECT_EQ(op.purge(GANDER_STATE_DEAD), 4U);
  EXPECT_EQ(op.list(GANDER_STATE_DEAD), Numbers{});
}

TEST_F(KafkaLog, ATopicThatWasDeletedIsMadeAgain) {
  GANDER_REQUIRE_DELETIONS();
  Broker one = broker();
  Session producer = one.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  for (const char* p : {"0", "1", "2"}) cluster_->remove(cluster_->prefix() + ".q.default." + p);
  EXPECT_TRUE(eventually([&] {
    try {
      Session fresh = one.open(GANDER_ROLE_PRODUCE);
      return fresh.enqueue({message(2)}, Call(std::chrono::seconds(3))).at(0) == GANDER_OK;
    } catch (const Failure&) {
      return false;
    }
  }));
}

// What is due for it waits; what is due for others does not wait with it.
TEST_F(KafkaLog, WhatIsDueForATopicThatWasDeletedHoldsUpNobody) {
  GANDER_REQUIRE_DELETIONS();
  for (const std::string create : {"false", "true"}) {
    cluster_.emplace(url_);
    Broker producers = broker();
    std::vector<Message> later;
    for (const auto& [number, queue] : {std::pair(1, "doomed"), std::pair(2, "default")}) {
      later.push_back(message(static_cast<std::uint64_t>(number), queue));
      later.back().m.run_at_us = host_.now_us + 1'000'000;
    }
    producers.open(GANDER_ROLE_PRODUCE).enqueue(std::move(later));
    Broker workers = broker_on(host_, url_, cluster_->prefix(), {{"create_topics", create}});
    Session consumer = consumer_on(workers, "w");
    EXPECT_EQ(consumer.take(1, "doomed").size(), 0U);
    for (const char* p : {"0", "1", "2"}) cluster_->remove(cluster_->prefix() + ".q.doomed." + p);
    host_.now_us += 2'000'000;
    std::vector<Taken> keep;
    EXPECT_EQ(numbers(take_until(consumer, 1, keep)), std::set<std::uint64_t>{2}) << create;
    if (create == "false") continue;
    host_.now_us += 60'000'000;
    EXPECT_EQ(numbers(take_until(consumer, 1, keep, "doomed")), std::set<std::uint64_t>{1});
  }
}

// One transaction is for many, and fails for all of them.
TEST_F(KafkaLog, AMessageThatIsDueAndTooLargeForItsTopicHoldsUpNoOther) {
  for (const char* p : {"0", "1", "2"})
    cluster_->create(cluster_->prefix() + ".q.narrow." + p,
                     {{"retention.ms", "-1"}, {"max.message.bytes", "2000"}});
  Broker one = broker();
  std::vector<Message> later{message(1, "narrow"), message(2, "narrow"), message(3, "narrow"),
                             message(4)};
  later[0].body.assign(5000, 'x');
  for (Message& m : later) m.m.run_at_us = host_.now_us + 1'000'000;
  one.open(GANDER_ROLE_PRODUCE).enqueue(std::move(later));
  Session consumer = consumer_on(one, "w");
  EXPECT_EQ(consumer.take(1, "narrow").size(), 0U);
  host_.now_us += 2'000'000;
  std::vector<Taken> keep;
  EXPECT_EQ(numbers(take_until(consumer, 1, keep)), std::set<std::uint64_t>{4});
  EXPECT_EQ(numbers(take_until(consumer, 2, keep, "narrow")), (std::set<std::uint64_t>{2, 3}));
  EXPECT_FALSE(host_.warnings_of("due for the queue 'narrow'").empty());
}

TEST_F(KafkaLog, OfDeadLettersTheNewestAreKept) {
  Broker one = broker_on(host_, url_, cluster_->prefix(), {{"dead_max_count", "2"}});
  one.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3), message(4)});
  Session consumer = consumer_on(one, "w");
  std::vector<Taken> keep;
  for (gander_message m : take_until(consumer, 4, keep)) {
    m.failed_at_us = host_.now_us + static_cast<std::int64_t>(number_of(m.id));
    ASSERT_EQ(consumer.settle(GANDER_SETTLE_DEAD, m), GANDER_OK);
  }
  Session tender = one.open(GANDER_ROLE_TEND, "w");
  EXPECT_TRUE(eventually([&] { return tender.tend().trimmed == 2; }));
  EXPECT_THAT(Operator(one).list(GANDER_STATE_DEAD), testing::UnorderedElementsAre(3, 4));
}

TEST_F(KafkaLog, ARetryAndItsDeliveryAreNeverBothThere) {
  Broker one = broker();
  one.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = consumer_on(one, "w");
  std::vector<Taken> keep;
  gander_message m = take_until(consumer, 1, keep).at(0);
  m.attempts = 1;
  m.run_at_us = host_.now_us + 3'600'000'000;
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, m), GANDER_OK);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, m), GANDER_LEASE_LOST);
  EXPECT_EQ(cluster_->committed(topic_).first, 1) << "the removal is of the same transaction";
  consumer.close();
  Session next = consumer_on(one, "x");
  EXPECT_EQ(next.take(10).size(), 0U);
  host_.now_us += 3'600'000'001;
  EXPECT_EQ(take_until(next, 1, keep).at(0).attempts, 1U);
}

}  // namespace
}  // namespace gander::test
