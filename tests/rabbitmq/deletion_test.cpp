// Somebody deletes queues and exchanges of ours while they are in use: what was in them is gone
// with them, and nothing else is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "server.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;

using RabbitDeletion = RabbitTest;

TEST_F(RabbitDeletion, WhatFallsDueForAQueueThatIsGoneIsKeptAndHoldsUpNobody) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({later(message(1, "doomed"), host, 1s), later(message(2), host, 1s),
                    later(message(3, "doomed"), host, 1s), later(message(4), host, 2s)});
  stranger->remove_queue(named("q.doomed.1"));
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  EXPECT_EQ(take_until(consumer, 2, keep).size(), 2U);
  EXPECT_TRUE(eventually([&] { return stranger->count(named("unrouted")) == 2U; }));
}

TEST_F(RabbitDeletion, AQueueDeletedUnderItsConsumerIsDeclaredAgain) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  std::vector<Taken> keep;
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  ASSERT_EQ(take_until(consumer, 1, keep).size(), 1U);
  stranger->remove_queue(named("q.default.1"));
  std::optional<Session> next;
  std::set<std::uint64_t> came;
  const auto take = [&] {
    try {
      const Taken taken = (next ? *next : consumer).take(5);
      for (std::size_t i = 0; i < taken.size(); ++i) came.insert(number_of(taken[i].id));
    } catch (const Failure& failure) {
      // It asked for more before it was told that the queue is gone; then it begins anew.
      EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE)) << failure.what();
      next.emplace(over.open(GANDER_ROLE_CONSUME, "w2"));
    }
  };
  EXPECT_TRUE(eventually([&] {
    take();
    return stranger->count(named("q.default.1")).has_value();
  }));
  EXPECT_EQ(producer.enqueue({message(2)}).front(), GANDER_OK);
  EXPECT_TRUE(eventually([&] {
    take();
    return came.contains(2);
  }));
}

// The server tells the consumers of the former nothing, and keeps from them as many messages of the
// latter as they had been given.
TEST_F(RabbitDeletion, AQueueDeletedAndMadeAnewAtOnceLeavesNobodyDeaf) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1), message(2), message(3)});
  std::optional<Session> consumer(over.open(GANDER_ROLE_CONSUME, "w0"));
  std::vector<Taken> keep;
  for (const gander_message& m : take_until(*consumer, 3, keep))
    EXPECT_EQ(consumer->settle(GANDER_SETTLE_ACK, m), GANDER_OK);
  stranger->remove_queue(named("q.default.1"));
  EXPECT_EQ(producer.enqueue({message(4)}).front(), GANDER_OK);
  int sessions = 1;
  EXPECT_TRUE(eventually([&] {
    try {
      const Taken taken = consumer->take(5);
      return taken.size() == 1 && number_of(taken[0].id) == 4;
    } catch (const Failure&) {  // its incarnation has ended
      consumer.emplace(over.open(GANDER_ROLE_CONSUME, "w" + std::to_string(sessions++)));
      return false;
    }
  }));
  EXPECT_LE(sessions, 2);
}

TEST_F(RabbitDeletion, TheDeadLettersDeletedAreDeclaredAgain) {
  Broker over = broker();
  over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 1, keep);
  stranger->remove_queue(named("dead.default"));
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, held.at(0)), GANDER_OK);
  EXPECT_TRUE(eventually([&] { return stranger->count(named("dead.default")) == 1U; }));
}

// What is missing of the cascade: of what the first message enters, and further down.
class RabbitCascade : public RabbitDeletion {
 protected:
  void SetUp() override {
    RabbitDeletion::SetUp();
    if (IsSkipped()) return;
    over.emplace(broker());
    producer.emplace(over->open(GANDER_ROLE_PRODUCE));
    producer->enqueue({later(message(1), host, 1s)});
  }
  void all_come(std::size_t n) {
    Session consumer = over->open(GANDER_ROLE_CONSUME, "w");
    std::vector<Taken> keep;
    std::set<std::uint64_t> came;
    for (const gander_message& m : take_until(consumer, n, keep)) came.insert(number_of(m.id));
    EXPECT_EQ(came.size(), n);
    EXPECT_TRUE(consumer.take(1).size() == 0) << "nothing came twice";
  }
  std::optional<Broker> over;
  std::optional<Session> producer;
};

TEST_F(RabbitCascade, ALevelsQueueDeletedFailsNoDelayedEnqueue) {
  stranger->remove_queue(named("lvl.01"));
  EXPECT_EQ(producer->enqueue({later(message(2), host, 2s)}).front(), GANDER_OK);
  EXPECT_TRUE(stranger->count(named("lvl.01")).has_value());
  all_come(2);
}

TEST_F(RabbitCascade, ALevelsExchangeDeletedFailsNoDelayedEnqueue) {
  stranger->remove_exchange(named("lvl.01"));
  EXPECT_EQ(producer->enqueue({later(message(2), host, 2s), later(message(3), host, 2s)}),
            (std::vector<gander_status>{GANDER_OK, GANDER_OK}));
  all_come(3);
}

// A publish to an exchange that is gone closes the channel, and with it the confirms of what was
// sent before: that may be stored or not, so to send it again is for the caller to say.
TEST_F(RabbitCascade, AnExchangeDeletedMayFailWhatElseWasSentOnceAndSaysSo) {
  stranger->remove_exchange(named("lvl.01"));
  const std::vector<Message> both = {message(2), later(message(3), host, 2s)};
  try {
    producer->enqueue(both);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.error.code, GANDER_UNAVAILABLE) << failure.what();
    EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE));
    EXPECT_TRUE(has(failure.error, GANDER_ERROR_MAYBE_APPLIED));
    EXPECT_THAT(failure.error.message, testing::HasSubstr("lvl.01"));
    EXPECT_EQ(producer->enqueue(both), (std::vector<gander_status>{GANDER_OK, GANDER_OK}));
  }
}

// Whatever is missing, a retry of a worker is as good as an enqueue.
TEST_F(RabbitCascade, ALevelsQueueDeletedFailsNoRetry) {
  Session consumer = over->open(GANDER_ROLE_CONSUME, "w0");
  std::vector<Taken> keep;
  gander_message held = take_until(consumer, 1, keep).at(0);
  ASSERT_EQ(producer->enqueue({later(message(2), host, 1s)}).front(), GANDER_OK);
  held = take_until(consumer, 1, keep).at(0);
  held.run_at_us = host.now_us + 1'000'000;
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, held), GANDER_OK);  // it knows the cascade now
  held = take_until(consumer, 1, keep).at(0);
  stranger->remove_queue(named("lvl.01"));
  held.run_at_us = host.now_us + 2'000'000;
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, held), GANDER_OK);
  EXPECT_EQ(take_until(consumer, 1, keep).size(), 1U);
}

}  // namespace
}  // namespace gander::test
