// The network fails in the middle: what is told is true, and nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "proxy.h"
#include "server.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kLostReply =
    GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT | GANDER_ERROR_MAYBE_APPLIED;

class RabbitNetwork : public RabbitTest {
 protected:
  void SetUp() override {
    RabbitTest::SetUp();
    if (!IsSkipped()) proxy = std::make_unique<Proxy>(port_of(url));
  }
  Broker through_proxy() { return broker({{"url", with_port(url, proxy->port())}}); }

  // As soon as the thread that listens has found out.
  static bool loses_its_lease(Session& tender) {
    return eventually([&] {
      try {
        tender.tend();
        return false;
      } catch (const Failure& failure) {
        return failure.error.code == GANDER_LEASE_LOST;
      }
    });
  }

  std::unique_ptr<Proxy> proxy;
};

TEST_F(RabbitNetwork, AConfirmThatIsLostIsToldAndRepeatingLosesNothing) {
  Broker over = through_proxy();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});  // so that all is declared, and the next request is the call
  proxy->drop_reply();
  const gander_error e = error_of([&] { producer.enqueue({message(2)}); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_EQ(e.flags, kLostReply);
  EXPECT_TRUE(eventually([&] { return stranger->count(named("q.default.1")) == 2U; }));
  EXPECT_EQ(over.open(GANDER_ROLE_PRODUCE).enqueue({message(2)}).front(), GANDER_OK);
  // The server cannot tell one from the other: it is stored twice, under one id.
  EXPECT_TRUE(eventually([&] { return stranger->count(named("q.default.1")) == 3U; }));
}

TEST_F(RabbitNetwork, AnExchangeThatIsCutEndsTheIncarnationAndItsDeliveriesComeAgain) {
  Broker over = through_proxy(), observer = broker();
  observer.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2)});
  std::vector<Taken> keep;
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  Session tender = over.open(GANDER_ROLE_TEND, "w");
  const auto held = take_until(consumer, 2, keep);
  ASSERT_EQ(held.size(), 2U);
  proxy->drop_reply();
  const gander_error e = error_of([&] {
    consumer.exchange({{GANDER_SETTLE_ACK, held[0]}}, {"default"}, 1);
  });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE) << e.message;
  EXPECT_EQ(e.flags, kLostReply);
  EXPECT_EQ(error_of([&] { consumer.take(1); }).code, GANDER_LEASE_LOST);
  EXPECT_TRUE(loses_its_lease(tender));
  Session other = observer.open(GANDER_ROLE_CONSUME, "w2");
  const auto back = take_until(other, 1, keep);
  ASSERT_EQ(back.size(), 1U) << "the first was acknowledged";
  EXPECT_EQ(number_of(back[0].id), 2U);
  EXPECT_EQ(back[0].crashes, 1U);
}

// The server counts a return for all that it had pushed, also for what only waited.
TEST_F(RabbitNetwork, WhatOnlyWaitsWhereLinesBreakIsNotTakenForACulprit) {
  Broker over = through_proxy(), observer = broker();
  std::vector<Message> many;
  for (std::uint64_t n = 1; n <= 20; ++n) many.push_back(message(n));
  observer.open(GANDER_ROLE_PRODUCE).enqueue(many);
  for (int round = 1; round <= 6; ++round) {
    Session consumer = over.open(GANDER_ROLE_CONSUME, "w" + std::to_string(round));
    Session tender = over.open(GANDER_ROLE_TEND, "w" + std::to_string(round));
    std::vector<Taken> keep;
    take_until(consumer, round <= 2 ? 20 : 1, keep);  // all, and then one suspect
    proxy->cut();
    ASSERT_TRUE(loses_its_lease(tender));
  }
  Session consumer = observer.open(GANDER_ROLE_CONSUME, "last");
  std::set<std::uint64_t> came;
  std::vector<std::uint32_t> crashes;
  EXPECT_TRUE(eventually([&] {
    const Taken taken = consumer.take(20);
    EXPECT_LE(taken.size(), 1U) << "a suspect has company";
    if (taken.size() == 0) return false;
    came.insert(number_of(taken[0].id));
    crashes.push_back(taken[0].crashes);
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
    return came.size() == 20;
  })) << came.size();
  // Of the rounds all but the first two had one of them in hand.
  EXPECT_LE(std::ranges::count_if(crashes, [](std::uint32_t n) { return n > 2; }), 4);
  EXPECT_GE(std::ranges::count(crashes, 2U), 16);
}

// In company the first two returns say no more than that it is a suspect. Alone, each that a worker
// goes away with it counts.
TEST_F(RabbitNetwork, WhatTakesItsWorkerWithItEachTimeCountsEachOfThem) {
  Broker over = through_proxy(), observer = broker();
  observer.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  std::vector<std::uint32_t> crashes;
  for (int round = 0; round < 6; ++round) {
    Session consumer = over.open(GANDER_ROLE_CONSUME, "w" + std::to_string(round));
    Session tender = over.open(GANDER_ROLE_TEND, "w" + std::to_string(round));
    std::vector<Taken> keep;
    for (const gander_message& m : take_until(consumer, 1, keep)) crashes.push_back(m.crashes);
    proxy->cut();
    ASSERT_TRUE(loses_its_lease(tender));
  }
  EXPECT_THAT(crashes, testing::ElementsAre(0, 1, 2, 3, 4, 5));
  Session last = observer.open(GANDER_ROLE_CONSUME, "last");
  std::vector<Taken> keep;
  const auto poison = take_until(last, 1, keep);
  ASSERT_EQ(poison.size(), 1U);
  EXPECT_EQ(poison[0].crashes, 6U);
  EXPECT_EQ(last.settle(GANDER_SETTLE_DEAD, poison[0]), GANDER_OK);
  EXPECT_TRUE(eventually([&] { return stranger->count(named("dead.default")) == 1U; }));
  EXPECT_EQ(stranger->count(named("q.default.alone")), 0U);
}

// RabbitMQ 4 drops a message at its 20th return, or makes it a dead letter, where nobody says more.
TEST_F(RabbitNetwork, AJobThatWorkersGoAwayWithMoreThanTwentyTimesIsNeitherDroppedNorDead) {
  Broker over = through_proxy(), observer = broker();
  observer.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  std::vector<Taken> keep;
  for (std::uint32_t round = 0; round < 25; ++round) {
    Session consumer = over.open(GANDER_ROLE_CONSUME, "w" + std::to_string(round));
    Session tender = over.open(GANDER_ROLE_TEND, "w" + std::to_string(round));
    const auto held = take_until(consumer, 1, keep);
    ASSERT_EQ(held.size(), 1U) << round;
    EXPECT_EQ(held[0].crashes, round);
    proxy->cut();
    ASSERT_TRUE(loses_its_lease(tender));
  }
  Session last = observer.open(GANDER_ROLE_CONSUME, "last");
  const auto held = take_until(last, 1, keep);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(stranger->count(named("dead.default")), 0U);
  EXPECT_EQ(last.settle(GANDER_SETTLE_ACK, held[0]), GANDER_OK);
  EXPECT_EQ(last.take(1).size(), 0U);
}

TEST_F(RabbitNetwork, AJobGivenBackMoreThanTwentyTimesIsNeitherDroppedNorDead) {
  Broker over = broker();
  over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  std::vector<Taken> keep;
  std::uint32_t give_backs = 0;
  for (; give_backs < 25; ++give_backs) {
    Session consumer = over.open(GANDER_ROLE_CONSUME, "w" + std::to_string(give_backs));
    gander_message held = take_until(consumer, 1, keep).at(0);
    EXPECT_EQ(held.give_backs, give_backs);
    held.give_backs = ++give_backs;
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_GIVE_BACK, held), GANDER_OK);
    held = take_until(consumer, 1, keep).at(0);
    EXPECT_EQ(held.give_backs, give_backs);
    consumer.close();
  }
  Session last = over.open(GANDER_ROLE_CONSUME, "last");
  const auto held = take_until(last, 1, keep);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].give_backs, give_backs);
  EXPECT_EQ(held[0].crashes, 0U);
  EXPECT_EQ(stranger->count(named("dead.default")), 0U);
  EXPECT_EQ(last.settle(GANDER_SETTLE_ACK, held[0]), GANDER_OK);
  EXPECT_EQ(last.take(1).size(), 0U);
}

TEST_F(RabbitNetwork, ALateVerdictHasNoEffectAtAll) {
  Broker over = through_proxy(), observer = broker();
  observer.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3), message(4)});
  std::vector<Taken> keep;
  Session zombie = over.open(GANDER_ROLE_CONSUME, "zombie");
  const auto held = take_until(zombie, 4, keep);
  ASSERT_EQ(held.size(), 4U);
  proxy->cut();
  Session other = observer.open(GANDER_ROLE_CONSUME, "other");
  const auto again = take_until(other, 4, keep);
  ASSERT_EQ(again.size(), 4U);
  gander_message late = held[1];
  late.run_at_us = host.now_us + 1'000'000;
  const gander_error e = error_of([&] {
    zombie.exchange({{GANDER_SETTLE_ACK, held[0]},
                     {GANDER_SETTLE_RETRY, late},
                     {GANDER_SETTLE_DEAD, held[2]},
                     {GANDER_SETTLE_GIVE_BACK, held[3]}},
                    {"default"}, 9);
  });
  EXPECT_EQ(e.code, GANDER_LEASE_LOST);
  EXPECT_FALSE(has(e, GANDER_ERROR_MAYBE_APPLIED));
  for (const gander_message& m : again) {
    EXPECT_EQ(m.crashes, 1U);
    EXPECT_EQ(other.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
  }
  EXPECT_EQ(stranger->count(named("q.default.1")), 0U);
  EXPECT_EQ(stranger->count(named("dead.default")), 0U);
}

TEST_F(RabbitNetwork, HalfOpenACallEndsAtItsDeadline) {
  Broker over = through_proxy();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  proxy->swallow();
  const auto start = std::chrono::steady_clock::now();
  const gander_error e = error_of([&] { producer.enqueue({message(2)}, Call(300ms)); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  EXPECT_TRUE(e.code == GANDER_TIMEOUT || e.code == GANDER_UNAVAILABLE) << e.message;
  EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
  EXPECT_TRUE(has(e, GANDER_ERROR_MAYBE_APPLIED));
  proxy->heal();
  EXPECT_EQ(over.open(GANDER_ROLE_PRODUCE).enqueue({message(2)}).front(), GANDER_OK);
}

// The server gives its deliveries to others after two heartbeats; then it is told by its own.
TEST_F(RabbitNetwork, HalfOpenAnIncarnationEndsAndItsDeliveriesComeAgain) {
  Broker over = broker({{"url", with_port(url, proxy->port())}, {"lease_ms", "2000"}});
  over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  std::vector<Taken> keep;
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  Session tender = over.open(GANDER_ROLE_TEND, "w");
  ASSERT_EQ(take_until(consumer, 1, keep).size(), 1U);
  proxy->swallow();
  Broker observer = broker();
  Session other = observer.open(GANDER_ROLE_CONSUME, "w2");
  EXPECT_EQ(take_until(other, 1, keep).size(), 1U);
  EXPECT_TRUE(loses_its_lease(tender));
}

}  // namespace
}  // namespace gander::test
