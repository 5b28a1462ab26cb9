// Users who may not do everything: what is refused is FORBIDDEN and told by name, with the right
// that is missing, and nothing is lost by it. What the page asks for is enough for everything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "../support/operator.h"
#include "guarded.h"

namespace gander::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr auto kTopic = RD_KAFKA_RESOURCE_TOPIC;
constexpr auto kGroup = RD_KAFKA_RESOURCE_GROUP;
constexpr auto kRead = RD_KAFKA_ACL_OPERATION_READ;
constexpr auto kWrite = RD_KAFKA_ACL_OPERATION_WRITE;
constexpr auto kCreate = RD_KAFKA_ACL_OPERATION_CREATE;
constexpr auto kDescribe = RD_KAFKA_ACL_OPERATION_DESCRIBE;
constexpr auto kDescribeConfigs = RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS;

// That it is refused: of what, and which right would do.
void expect_forbidden(const gander_error& e, const std::string& what, const std::string& right) {
  EXPECT_EQ(e.code, GANDER_FORBIDDEN) << e.message;
  EXPECT_EQ(e.flags & (GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED), 0U) << e.message;
  EXPECT_THAT(e.message, AllOf(HasSubstr(what), HasSubstr(right), Not(HasSubstr("5ecret"))));
}

// Of the queue "default", if it is listed.
std::optional<gander_queue_stat> look(Operator& op, const Call& call = Call()) {
  const auto all = op.queues(call);
  const auto it = all.find("default");
  return it == all.end() ? std::nullopt : std::optional(it->second);
}

// What comes is acked; true when it was this one alone.
bool comes(Session& consumer, std::uint64_t number) {
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 1, keep);
  return taken.size() == 1 && number_of(taken[0].id) == number &&
         consumer.settle(GANDER_SETTLE_ACK, taken[0]) == GANDER_OK;
}

// What a call comes to say that is good at first.
gander_error refusal_of(const std::function<void()>& call) {
  gander_error e = blank_error();
  EXPECT_TRUE(eventually([&] {
    try {
      call();
    } catch (const Failure& failure) {
      e = failure.error;
    }
    return e.code != GANDER_OK;
  }));
  return e;
}

TEST_F(KafkaGuarded, WhoHasNoRightsIsForbiddenInEveryRole) {
  guarded().revoke("nobody", kTopic);
  FakeHost host;
  Broker broker(host, guarded().as("nobody"));
  const auto start = std::chrono::steady_clock::now();
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  expect_forbidden(error_of([&] { producer.enqueue({message(1)}); }), "nobody.q.default.0",
                   "describe configs");
  expect_forbidden(error_of([&] { consumer_on(broker, "w"); }), "nobody.sched", "read, write");
  Operator op(broker);
  expect_forbidden(error_of([&] { look(op); }), "nobody.sched", "read, write");
  expect_forbidden(error_of([&] { op.pause(true); }), "nobody.sched", "read, write");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 8s) << "it waits for no deadline";
}

TEST_F(KafkaGuarded, WhoMayNotCreateIsToldOfTheTopicThatIsMissing) {
  guarded().grant("nobody", kTopic, {kRead, kWrite, kDescribe, kDescribeConfigs});
  FakeHost host;
  Broker broker(host, guarded().as("nobody"));
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  expect_forbidden(error_of([&] { producer.enqueue({message(1)}); }),
                   "creating the topic nobody.q.default.0", "create");
}

TEST_F(KafkaGuarded, AGroupThatIsRefusedIsNamedAndWhatWaitsComesOnceItIsGranted) {
  guarded().grant_topics("groupless");
  FakeHost host;
  Broker broker(host, guarded().as("groupless"));
  ASSERT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).at(0), GANDER_OK);
  const auto start = std::chrono::steady_clock::now();
  expect_forbidden(error_of([&] { consumer_on(broker, "w"); }), "the group groupless",
                   "grant the user read on the group");
  Operator op(broker);
  expect_forbidden(error_of([&] { look(op); }), "the group groupless", "read on the group");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 8s) << "it waits for no deadline";
  guarded().grant("groupless", kGroup, {kRead});
  EXPECT_EQ(look(op)->ready, 1);
  Session consumer = consumer_on(broker, "w");
  EXPECT_TRUE(comes(consumer, 1));
}

TEST_F(KafkaGuarded, AGroupThatIsWithdrawnIsToldToWhoWorksAndHisAckIsKeptUntilItIsGranted) {
  guarded().grant_topics("dropped");
  guarded().grant("dropped", kGroup, {kRead});
  FakeHost host;
  Broker broker(host, guarded().as("dropped"));
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  ASSERT_EQ(producer.enqueue({message(1)}).at(0), GANDER_OK);
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  ASSERT_EQ(take_until(consumer, 1, keep).size(), 1U);
  guarded().revoke("dropped", kGroup);
  expect_forbidden(refusal_of([&] { consumer.take(1); }), "the group dropped", "read on the group");
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, keep.back()[0]), GANDER_OK);
  ASSERT_EQ(producer.enqueue({message(2)}).at(0), GANDER_OK);
  guarded().grant("dropped", kGroup, {kRead});
  std::vector<std::uint64_t> came;
  EXPECT_TRUE(eventually([&] {
    try {
      const Taken taken = consumer.take(2);
      for (const std::uint64_t n : taken.numbers()) came.push_back(n);
      for (std::size_t i = 0; i < taken.size(); ++i)
        EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[i]), GANDER_OK);
    } catch (const Failure&) {
      // it has not asked again yet
    }
    return !came.empty();
  }));
  EXPECT_EQ(came, std::vector<std::uint64_t>{2});
  Operator op(broker);
  EXPECT_EQ(look(op), std::nullopt);
}

TEST_F(KafkaGuarded, ATopicThatMayNotBeReadIsNamedToWhoWaitsForIt) {
  guarded().grant("blind", kTopic, {kWrite, kCreate, kDescribeConfigs});
  guarded().grant("blind", kGroup, {kRead});
  FakeHost host;
  Broker broker(host, guarded().as("blind"));
  ASSERT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).at(0), GANDER_OK);
  std::optional<Session> consumer;
  const gander_error e = refusal_of([&] {
    if (!consumer) consumer = consumer_on(broker, "w");
    consumer->take(1);
  });
  expect_forbidden(e, "reading blind.", "grant the user read");
  Operator op(broker);
  expect_forbidden(error_of([&] { look(op); }), "reading blind.", "grant the user read");
  guarded().grant("blind", kTopic, {kRead});
  consumer.reset();
  consumer = consumer_on(broker, "again");
  EXPECT_TRUE(comes(*consumer, 1));
}

TEST_F(KafkaGuarded, ATopicThatMayNotBeWrittenTakesNothing) {
  guarded().grant("mute", kTopic, {kRead, kCreate, kDescribe, kDescribeConfigs});
  guarded().grant("mute", kGroup, {kRead});
  FakeHost host;
  Broker broker(host, guarded().as("mute"));
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  expect_forbidden(error_of([&] { producer.enqueue({message(1)}); }), "writing to mute.q.default.1",
                   "write");
  Operator op(broker);
  expect_forbidden(error_of([&] { op.pause(true); }), "transaction", "write");
  EXPECT_EQ(look(op), std::nullopt) << "it was stored, or the queue is paused, after all";
  guarded().grant("mute", kTopic, {kWrite});
  // A new session, as the error says: a producer that was refused so is of no more use.
  EXPECT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).at(0), GANDER_OK);
  EXPECT_EQ(look(op)->ready, 1);
}

TEST_F(KafkaGuarded, WithoutTransactionsARetryIsRefusedAndItsMessageIsHeldOn) {
  guarded().grant_topics("loose");
  guarded().grant("loose", kGroup, {kRead});
  FakeHost host;
  Broker broker(host, guarded().as("loose"));
  ASSERT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).at(0), GANDER_OK);
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  ASSERT_EQ(take_until(consumer, 1, keep).size(), 1U);
  gander_message later = keep.back()[0];
  later.run_at_us = host.now_us + 60'000'000;
  expect_forbidden(error_of([&] { consumer.settle(GANDER_SETTLE_RETRY, later); }), "transactions",
                   "write on transactional ids");
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, keep.back()[0]), GANDER_OK);
}

TEST_F(KafkaGuarded, TheRightsThatThePageAsksForAreEnoughForAll) {
  guarded().grant_as_shown("whole");
  FakeHost host;
  Broker broker(host, guarded().as("whole"));
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = consumer_on(broker, "w");
  Session tender = broker.open(GANDER_ROLE_TEND, "w");
  Operator op(broker);
  std::vector<Taken> keep;
  const auto take = [&] { return take_until(consumer, 1, keep).at(0); };

  // To the dead and back.
  ASSERT_EQ(producer.enqueue({message(1)}).at(0), GANDER_OK);
  gander_message m = take();
  m.run_at_us = host.now_us + 60'000'000;
  ASSERT_EQ(consumer.settle(GANDER_SETTLE_RETRY, m), GANDER_OK);
  EXPECT_EQ(look(op)->retry, 1);
  host.now_us += 60'000'001;
  EXPECT_TRUE(eventually([&] { return tender.tend().promoted == 1; }));
  ASSERT_EQ(consumer.settle(GANDER_SETTLE_DEAD, take()), GANDER_OK);
  EXPECT_EQ(look(op)->dead, 1);
  ASSERT_EQ(op.replay({1}), Statuses{GANDER_OK});
  EXPECT_TRUE(eventually([&] { return tender.tend().promoted == 1; }));
  ASSERT_EQ(consumer.settle(GANDER_SETTLE_DEAD, take()), GANDER_OK);
  EXPECT_EQ(op.purge(GANDER_STATE_DEAD, "default"), 1U);

  // Scheduled, and paused when it is due.
  Message scheduled = message(2);
  scheduled.m.run_at_us = host.now_us + 60'000'000;
  ASSERT_EQ(producer.enqueue({scheduled}).at(0), GANDER_OK);
  op.pause(true);
  host.now_us += 60'000'001;
  EXPECT_TRUE(eventually([&] { return tender.tend().promoted == 1; }));
  EXPECT_EQ(consumer.take(1).size(), 0U);
  EXPECT_EQ(look(op)->paused, 1U);
  op.pause(false);
  EXPECT_TRUE(comes(consumer, 2));

  // Removed before it ran: by the owner of its partition, and where there is none.
  ASSERT_EQ(producer.enqueue({message(3)}).at(0), GANDER_OK);
  EXPECT_EQ(op.purge(GANDER_STATE_READY, "default"), 1U);
  consumer.close();
  ASSERT_EQ(producer.enqueue({message(4)}).at(0), GANDER_OK);
  EXPECT_EQ(op.purge(GANDER_STATE_READY, "default"), 1U);
  EXPECT_EQ(look(op), std::nullopt);
}

// Of less than ten thousand in a partition it is not worth the question.
TEST_F(KafkaGuarded, WhatAllAreThroughWithIsDeletedOrTheMissingRightIsTold) {
  guarded().grant("hoarder", kTopic, {kRead, kWrite, kCreate, kDescribe, kDescribeConfigs});
  guarded().grant("hoarder", kGroup, {kRead});
  FakeHost host;
  Broker broker(host, guarded().as("hoarder"));
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Operator op(broker);
  std::vector<Message> many;
  for (std::uint64_t n = 1; n <= 5000; ++n) many.push_back(message(n));
  const std::string topic = "hoarder.q.default.1";
  const auto run_all = [&](Session& consumer) {
    for (const int again : {1, 2, 3}) producer.enqueue(again == 3 ? std::vector{message(1)} : many);
    std::size_t ran = 0;
    EXPECT_TRUE(eventually([&] {
      const Taken taken = consumer.take(5000);
      std::vector<Settle> acks;
      for (std::size_t i = 0; i < taken.size(); ++i) acks.push_back({GANDER_SETTLE_ACK, taken[i]});
      consumer.exchange(acks, {}, 0);
      return (ran += acks.size()) == 10'001;
    }));
    look(op);  // which commits
  };
  {
    Session consumer = consumer_on(broker, "a");
    run_all(consumer);
    Session tender = broker.open(GANDER_ROLE_TEND, "a");
    tender.tend();  // which succeeds: its worker would give up what it runs
    const auto told = host.warnings_of("in " + topic);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_THAT(told[0], HasSubstr("delete on topics"));
  }
  EXPECT_EQ(guarded().begin_of(topic), 0);
  guarded().grant("hoarder", kTopic, {RD_KAFKA_ACL_OPERATION_DELETE});
  Session consumer = consumer_on(broker, "b");
  run_all(consumer);
  broker.open(GANDER_ROLE_TEND, "b").tend();
  EXPECT_GT(guarded().begin_of(topic), 20'000);
}

}  // namespace
}  // namespace gander::test
