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

// A publish to an exchange that is gone closes the channel, and with it the confirms of all others.
TEST_F(RabbitDeletion, AnExchangeDeletedIsAnErrorOnceAndDeclaredAgain) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({later(message(1), host, 1s)});
  stranger->remove_exchange(named("lvl.01"));
  const gander_error e = error_of([&] { producer.enqueue({later(message(2), host, 2s)}); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
  EXPECT_THAT(e.message, testing::HasSubstr("lvl.01"));
  Session again = over.open(GANDER_ROLE_PRODUCE);
  EXPECT_EQ(again.enqueue({later(message(2), host, 2s)}).front(), GANDER_OK);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  EXPECT_EQ(take_until(consumer, 2, keep).size(), 2U);
}

}  // namespace
}  // namespace gander::test
