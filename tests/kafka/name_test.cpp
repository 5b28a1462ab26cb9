// Workers with the option 'member': whoever comes with a name takes over at once. The lease is
// longer than any of these waits, so that what comes did not wait for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <optional>
#include <set>

#include "../support/operator.h"
#include "../support/output_of.h"
#include "cluster.h"

namespace gander::test {
namespace {

using testing::HasSubstr;

class KafkaName : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_SERVER(url, "kafka");
    url_ = url;
    cluster_.emplace(url);
  }
  Broker& worker(const std::string& name) {
    return brokers_.emplace_back(
        broker_on(host_, url_, cluster_->prefix(), {{"member", name}, {"lease_ms", "60000"}}));
  }
  // It does not hear that another has its name, until something that it wants is refused.
  Broker& unaware_worker(const std::string& name) {
    return brokers_.emplace_back(broker_on(
        host_, url_, cluster_->prefix(),
        {{"member", name}, {"lease_ms", "60000"}, {"properties", "heartbeat.interval.ms=50000"}}));
  }
  static void expect_fenced(const gander_error& e) {
    EXPECT_EQ(e.code, GANDER_UNAVAILABLE) << e.message;
    EXPECT_EQ(e.flags, GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT) << e.message;
    EXPECT_STREQ(e.native, "_FENCED") << e.message;
  }
  void enqueue(std::uint64_t number, const std::string& queue = "default") {
    worker("").open(GANDER_ROLE_PRODUCE).enqueue({message(number, queue)});
  }
  gander_message take_one(Session& consumer, const std::string& queue = "default") {
    const auto taken = take_until(consumer, 1, keep_, queue);
    return taken.empty() ? gander_message{} : taken[0];
  }
  // And that it was handed out is committed: who is gone before counts no crash.
  gander_message take_one_for_certain(Session& consumer) {
    const std::string topic = cluster_->prefix() + ".q.default.1";
    const auto before = cluster_->committed(topic);
    const gander_message m = take_one(consumer);
    EXPECT_TRUE(eventually([&] { return cluster_->committed(topic) != before; }));
    return m;
  }
  // Of a settle, be it refused alone or with the whole exchange.
  static gander_status settled(Session& consumer, std::uint32_t op, const gander_message& m) try {
    return consumer.settle(op, m);
  } catch (const Failure& e) {
    return e.error.code;
  }
  static bool has_lost_its_lease(Session& consumer) try {
    consumer.take(1);
    return false;
  } catch (const Failure& e) {
    return e.error.code == GANDER_LEASE_LOST;
  }

  FakeHost host_;
  std::string url_;
  std::optional<Cluster> cluster_;
  std::list<Broker> brokers_;
  std::vector<Taken> keep_;
};

TEST_F(KafkaName, WhoeverComesWithItTakesOverAtOnce) {
  Broker& first = worker("w1");
  Broker& second = worker("w1");
  enqueue(1);
  Session before = consumer_on(first, "before");
  const gander_message held = take_one_for_certain(before);
  Session after = consumer_on(second, "after");
  const gander_message again = take_one(after);
  EXPECT_EQ(number_of(again.id), 1U);
  EXPECT_EQ(again.crashes, 1U);
  EXPECT_EQ(again.give_backs, 0U);
  EXPECT_TRUE(eventually([&] { return has_lost_its_lease(before); }));
  EXPECT_EQ(settled(before, GANDER_SETTLE_ACK, held), GANDER_LEASE_LOST);
  EXPECT_EQ(settled(after, GANDER_SETTLE_ACK, again), GANDER_OK);
  EXPECT_EQ(after.take(1).size(), 0U);
}

// The commit that says what was handed out is on its way when the worker is dead. So of a partition
// whose owner died it is waited for, and of the deaths only the first counts no crash; that one
// does where the process is slow to die, as under a sanitizer.
TEST_F(KafkaName, AMessageThatKillsItsWorkerAtOnceCountsCrashes) {
  enqueue(1);
  std::vector<std::string> said;
  for (int round = 0; round < 4; ++round)
    said.push_back(output_of(GANDER_TAKE_AND_DIE " " + url_ + " " + cluster_->prefix() + " w1"));
  EXPECT_THAT(said, testing::AnyOf(testing::ElementsAre("1 0\n", "1 0\n", "1 1\n", "1 2\n"),
                                   testing::ElementsAre("1 0\n", "1 1\n", "1 2\n", "1 3\n")));
}

TEST_F(KafkaName, WhatThePredecessorStillWritesDoesNotCount) {
  Broker& first = unaware_worker("w1");
  Broker& second = worker("w1");
  enqueue(1);
  Session before = consumer_on(first, "before");
  const gander_message held = take_one_for_certain(before);
  Session after = consumer_on(second, "after");
  const gander_message again = take_one(after);
  const gander_error e = error_of([&] { before.settle(GANDER_SETTLE_RETRY, held); });
  expect_fenced(e);
  EXPECT_EQ(settled(after, GANDER_SETTLE_ACK, again), GANDER_OK);
  enqueue(2);
  EXPECT_EQ(number_of(take_one(after).id), 2U) << "it was written after all";
}

TEST_F(KafkaName, WhatThePredecessorStillPromotesDoesNotCount) {
  constexpr std::uint64_t kJobs = 100;
  Broker& first = unaware_worker("w1");
  Broker& second = worker("w1");
  std::vector<Message> later;
  for (std::uint64_t n = 1; n <= kJobs; ++n) {
    later.push_back(message(n));
    later.back().m.run_at_us = host_.now_us + 60'000'000;
  }
  worker("").open(GANDER_ROLE_PRODUCE).enqueue(std::move(later));
  Session before = consumer_on(first, "before"), after = consumer_on(second, "after");
  Session slow = first.open(GANDER_ROLE_TEND, "before");
  Session quick = second.open(GANDER_ROLE_TEND, "after");
  for (Session* one : {&slow, &quick}) EXPECT_NE(one->tend().again_in_us, 0) << "it has read them";
  host_.now_us += 60'000'001;
  EXPECT_EQ(slow.tend().promoted, 0U);
  EXPECT_EQ(host_.warnings_of("promoting: ").size(), 1U) << "the cluster fenced it";
  EXPECT_TRUE(eventually([&] { return quick.tend().promoted == kJobs; }));
  Operator desk(second);
  Numbers ready;
  EXPECT_TRUE(eventually([&] { return (ready = desk.list(GANDER_STATE_READY)).size() >= kJobs; }));
  EXPECT_EQ(ready.size(), kJobs);
  EXPECT_EQ(std::set(ready.begin(), ready.end()).size(), kJobs);
  EXPECT_EQ(desk.list(GANDER_STATE_SCHEDULED), Numbers{});
}

TEST_F(KafkaName, TheFirstOfTwoGivesWayAndSaysWhyUntilTheOtherIsGone) {
  Broker& first = worker("w1");
  Broker& second = worker("w1");
  Session before = consumer_on(first, "before");
  before.take(1);
  std::optional<Session> after(consumer_on(second, "after"));
  EXPECT_TRUE(eventually([&] { return has_lost_its_lease(before); }));
  before.close();
  const gander_error e = error_of([&] { consumer_on(first, "once-more"); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_NE(e.flags & GANDER_ERROR_RETRYABLE, 0U);
  EXPECT_THAT(e.message, HasSubstr("goes by the name 'w1'; give each worker process an option "
                                   "'member' of its own"));
  enqueue(1);
  EXPECT_EQ(settled(*after, GANDER_SETTLE_ACK, take_one(*after)), GANDER_OK) << "it was disturbed";
  after.reset();
  Session back = consumer_on(first, "back");
  enqueue(2);
  EXPECT_EQ(number_of(take_one(back).id), 2U);
}

TEST_F(KafkaName, WhoClosesLeavesAndNobodyWaitsForHim) {
  Broker& first = worker("w1");
  Broker& second = worker("w2");
  enqueue(1);
  std::optional<Session> one(consumer_on(first, "one"));
  take_one(*one);
  one.reset();
  Session other = consumer_on(second, "other");
  const gander_message m = take_one(other);
  EXPECT_EQ(number_of(m.id), 1U);
  EXPECT_EQ(m.crashes, 0U);
  EXPECT_EQ(m.give_backs, 1U);
}

TEST_F(KafkaName, WithOtherQueuesItIsAnother) {
  Broker& first = worker("w1");
  Broker& second = worker("w1");
  enqueue(1);
  enqueue(2, "other");
  Session one = consumer_on(first, "one");
  const gander_message held = take_one(one);
  Session two = consumer_on(second, "two", "other");
  EXPECT_EQ(number_of(take_one(two, "other").id), 2U);
  EXPECT_EQ(settled(one, GANDER_SETTLE_ACK, held), GANDER_OK);
}

TEST_F(KafkaName, WhatThePredecessorAskedForLaterGoesToWhomItConcerns) {
  Broker& first = worker("w1");
  Broker& second = worker("w1");
  Broker& third = worker("w2");
  Session before = consumer_on(first, "before");
  before.take(1, "later");
  enqueue(1, "later");
  take_one(before, "later");
  Session after = consumer_on(second, "after");
  Session other = consumer_on(third, "other", "later");
  EXPECT_EQ(number_of(take_one(other, "later").id), 1U);
  enqueue(2);
  EXPECT_EQ(number_of(take_one(after).id), 2U);
}

}  // namespace
}  // namespace gander::test
