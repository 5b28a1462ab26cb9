// Users who may not do everything: what is refused is FORBIDDEN and told by name, with the right
// that is missing, and nothing is lost by it. What the page asks for is enough for everything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

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

class Admin {
 public:
  explicit Admin(Broker& broker)
      : session_(broker.open(GANDER_ROLE_ADMIN)),
        inspect_(broker.extension<gander_ext_inspect>(GANDER_EXT_INSPECT)),
        manage_(broker.extension<gander_ext_manage>(GANDER_EXT_MANAGE)) {}

  // Of the queue "default".
  std::optional<gander_queue_stat> look(const Call& call = Call()) {
    std::optional<gander_queue_stat> found;
    const auto visit = [](void* user, const gander_queue_stat* stat) noexcept {
      if (view(stat->queue) == "default")
        *static_cast<std::optional<gander_queue_stat>*>(user) = *stat;
      return 0;
    };
    gander_error e = blank_error();
    must(inspect_.queues(session_.raw(), &call, visit, &found, &e), e);
    return found;
  }
  void pause(bool paused) {
    const Call call;
    gander_error e = blank_error();
    must(manage_.pause(session_.raw(), &call, str("default"), paused ? 1 : 0, &e), e);
  }
  std::uint64_t purge(std::uint32_t state) {
    const Call call;
    std::uint64_t n = 0;
    gander_error e = blank_error();
    must(manage_.purge(session_.raw(), &call, str("default"), state, 0, &n, &e), e);
    return n;
  }
  gander_status replay(std::uint64_t number) {
    const Call call;
    const gander_id id = id_of(number);
    const gander_move_req request{
        sizeof request, 1, &id, GANDER_STATE_READY, GANDER_MOVE_RESET_COUNTERS, 0, {}, {}};
    gander_status verdict = GANDER_INTERNAL;
    gander_error e = blank_error();
    must(manage_.move(session_.raw(), &call, &request, &verdict, &e), e);
    return verdict;
  }

 private:
  Session session_;
  const gander_ext_inspect& inspect_;
  const gander_ext_manage& manage_;
};

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
  Admin admin(broker);
  expect_forbidden(error_of([&] { admin.look(); }), "nobody.sched", "read, write");
  expect_forbidden(error_of([&] { admin.pause(true); }), "nobody.sched", "read, write");
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
  Admin admin(broker);
  expect_forbidden(error_of([&] { admin.look(); }), "the group groupless", "read on the group");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 8s) << "it waits for no deadline";
  guarded().grant("groupless", kGroup, {kRead});
  EXPECT_EQ(admin.look()->ready, 1);
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
  EXPECT_EQ(Admin(broker).look(), std::nullopt);
}

TEST_F(KafkaGuarded, ATopicThatMayNotBeReadIsNamedToWhoWaitsForIt) {
  guarded().grant("blind", kTopic, {kWrite, kCreate, kDescribe, kDescribeConfigs});
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
  Admin admin(broker);
  expect_forbidden(error_of([&] { admin.look(); }), "reading blind.", "grant the user read");
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
  Admin admin(broker);
  expect_forbidden(error_of([&] { admin.pause(true); }), "transaction", "write");
  EXPECT_EQ(admin.look(), std::nullopt) << "it was stored, or the queue is paused, after all";
  guarded().grant("mute", kTopic, {kWrite});
  // A new session, as the error says: a producer that was refused so is of no more use.
  EXPECT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).at(0), GANDER_OK);
  EXPECT_EQ(admin.look()->ready, 1);
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
  guarded().grant_topics("whole");
  guarded().grant("whole", kGroup, {kRead});
  FakeHost host;
  Broker broker(host, guarded().as("whole"));
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = consumer_on(broker, "w");
  Session tender = broker.open(GANDER_ROLE_TEND, "w");
  Admin admin(broker);
  std::vector<Taken> keep;
  const auto take = [&] { return take_until(consumer, 1, keep).at(0); };

  // To the dead and back.
  ASSERT_EQ(producer.enqueue({message(1)}).at(0), GANDER_OK);
  gander_message m = take();
  m.run_at_us = host.now_us + 60'000'000;
  ASSERT_EQ(consumer.settle(GANDER_SETTLE_RETRY, m), GANDER_OK);
  EXPECT_EQ(admin.look()->retry, 1);
  host.now_us += 60'000'001;
  EXPECT_TRUE(eventually([&] { return tender.tend().promoted == 1; }));
  ASSERT_EQ(consumer.settle(GANDER_SETTLE_DEAD, take()), GANDER_OK);
  EXPECT_EQ(admin.look()->dead, 1);
  ASSERT_EQ(admin.replay(1), GANDER_OK);
  EXPECT_TRUE(eventually([&] { return tender.tend().promoted == 1; }));
  ASSERT_EQ(consumer.settle(GANDER_SETTLE_DEAD, take()), GANDER_OK);
  EXPECT_EQ(admin.purge(GANDER_STATE_DEAD), 1U);

  // Scheduled, and paused when it is due.
  Message scheduled = message(2);
  scheduled.m.run_at_us = host.now_us + 60'000'000;
  ASSERT_EQ(producer.enqueue({scheduled}).at(0), GANDER_OK);
  admin.pause(true);
  host.now_us += 60'000'001;
  EXPECT_TRUE(eventually([&] { return tender.tend().promoted == 1; }));
  EXPECT_EQ(consumer.take(1).size(), 0U);
  EXPECT_EQ(admin.look()->paused, 1U);
  admin.pause(false);
  EXPECT_TRUE(comes(consumer, 2));

  // Removed before it ran: by the owner of its partition, and where there is none.
  ASSERT_EQ(producer.enqueue({message(3)}).at(0), GANDER_OK);
  EXPECT_EQ(admin.purge(GANDER_STATE_READY), 1U);
  consumer.close();
  ASSERT_EQ(producer.enqueue({message(4)}).at(0), GANDER_OK);
  EXPECT_EQ(admin.purge(GANDER_STATE_READY), 1U);
  EXPECT_EQ(admin.look(), std::nullopt);
}

// Of less than ten thousand in a partition it is not worth the question.
TEST_F(KafkaGuarded, WhatAllAreThroughWithIsDeletedOrTheMissingRightIsTold) {
  guarded().grant("hoarder", kTopic, {kRead, kWrite, kCreate, kDescribe, kDescribeConfigs});
  guarded().grant("hoarder", kGroup, {kRead});
  FakeHost host;
  Broker broker(host, guarded().as("hoarder"));
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Admin admin(broker);
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
    admin.look();  // which commits
  };
  {
    Session consumer = consumer_on(broker, "a");
    run_all(consumer);
    Session tender = broker.open(GANDER_ROLE_TEND, "a");
    expect_forbidden(error_of([&] { tender.tend(); }), "in " + topic, "delete");
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
