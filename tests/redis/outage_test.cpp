// The Redis broker when the server or the network fails in the middle: what is told is true, and
// nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "proxy.h"
#include "redis_server.h"

namespace gander::test {
namespace {

using testing::HasSubstr;

constexpr std::uint32_t kLostReply =
    GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT | GANDER_ERROR_MAYBE_APPLIED;

class RedisOutage : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_REDIS();
    server = std::make_unique<RedisServer>();
    proxy = std::make_unique<Proxy>(server->port());
  }
  Broker through_proxy() {
    return broker_on(host, "redis://127.0.0.1:" + std::to_string(proxy->port()));
  }
  Broker direct() { return broker_on(host, server->url()); }

  FakeHost host;
  std::unique_ptr<RedisServer> server;
  std::unique_ptr<Proxy> proxy;
};

TEST_F(RedisOutage, ScriptFlushIsNotNoticed) {
  Broker broker = direct();
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "w");
  Cli cli(server->port());
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(producer.enqueue({message(i)}).front(), GANDER_OK);
    cli("SCRIPT FLUSH");
    const Taken taken = consumer.take(1);
    ASSERT_EQ(taken.numbers(), std::vector<std::uint64_t>{i});
    cli("SCRIPT FLUSH");
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
  }
}

TEST_F(RedisOutage, ReplyLostAfterAnEnqueueWasApplied) {
  Broker broker = through_proxy();
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});  // so that the script is there, and the next request is the call
  proxy->drop_reply();
  const gander_error e = error_of([&] { producer.enqueue({message(2)}); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_EQ(e.flags, kLostReply);
  const gander_error again = error_of([&] { producer.enqueue({message(2)}); });
  EXPECT_EQ(again.flags, GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT);
  EXPECT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({message(2)}).front(), GANDER_DUPLICATE);
}

TEST_F(RedisOutage, ReplyLostAfterAnExchangeWasApplied) {
  Broker broker = through_proxy(), observer = direct();
  observer.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2)});
  {
    Session consumer = broker.open(GANDER_ROLE_CONSUME, "w");
    const Taken first = consumer.take(1);
    proxy->drop_reply();
    const gander_error e = error_of([&] {
      consumer.exchange({{GANDER_SETTLE_ACK, first[0]}}, {"default"}, 1);
    });
    EXPECT_EQ(e.flags, kLostReply);
    EXPECT_EQ(Cli(server->port())("HLEN {test}:held:w"), "1");  // it was taken
  }
  // A lost reply is no crash: closing found another way to say that it ended.
  const Taken back = observer.open(GANDER_ROLE_CONSUME, "w2").take(9);
  ASSERT_EQ(back.numbers(), std::vector<std::uint64_t>{2});
  EXPECT_EQ(back[0].crashes, 0U);
  EXPECT_EQ(back[0].give_backs, 1U);
}

TEST_F(RedisOutage, IncarnationThatCouldNotSayItsEndLosesItsLease) {
  Broker broker = through_proxy(), observer = direct();
  observer.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  {
    Session consumer = broker.open(GANDER_ROLE_CONSUME, "w");
    ASSERT_EQ(consumer.take(1).size(), 1U);
    proxy->refuse();
  }
  Session other = observer.open(GANDER_ROLE_CONSUME, "w2");
  EXPECT_EQ(other.take(9).size(), 0U);
  Cli(server->port())("ZADD {test}:live 1 w");  // its lease has run out
  EXPECT_EQ(observer.open(GANDER_ROLE_TEND, "w2").tend().reclaimed, 1U);
  const Taken back = other.take(9);
  ASSERT_EQ(back.numbers(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(back[0].crashes, 1U);
}

TEST_F(RedisOutage, LateVerdictOfAnEndedIncarnationHasNoEffectAtAll) {
  Broker broker = direct();
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3), message(4)});
  Session zombie = broker.open(GANDER_ROLE_CONSUME, "zombie");
  Session other = broker.open(GANDER_ROLE_CONSUME, "other");
  const Taken held = zombie.take(4);
  Cli cli(server->port());
  cli("ZADD {test}:live 1 zombie");
  broker.open(GANDER_ROLE_TEND, "other").tend();
  const Taken again = other.take(4);
  ASSERT_EQ(again.size(), 4U);
  const std::string before = cli("DEBUG DIGEST");
  gander_message later = held[1];
  later.run_at_us = 4'000'000'000'000'000;
  const gander_error e = error_of([&] {
    zombie.exchange({{GANDER_SETTLE_ACK, held[0]},
                     {GANDER_SETTLE_RETRY, later},
                     {GANDER_SETTLE_DEAD, held[2]},
                     {GANDER_SETTLE_GIVE_BACK, held[3]}},
                    {"default"}, 9);
  });
  EXPECT_EQ(e.code, GANDER_LEASE_LOST);
  EXPECT_EQ(cli("DEBUG DIGEST"), before);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(again[i].crashes, 1U);
    EXPECT_EQ(other.settle(GANDER_SETTLE_ACK, again[i]), GANDER_OK);
  }
}

TEST_F(RedisOutage, KilledServerLosesNothingThatTheLogHas) {
  Broker broker = direct();
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  std::vector<Message> many;
  for (std::uint64_t i = 1; i <= 500; ++i) many.push_back(message(i));
  producer.enqueue(many);
  server->kill();
  const gander_error down = error_of([&] { producer.enqueue({message(501)}); });
  EXPECT_EQ(down.code, GANDER_UNAVAILABLE);
  EXPECT_NE(down.flags & GANDER_ERROR_RECONNECT, 0U);
  server->start();
  EXPECT_EQ(broker.open(GANDER_ROLE_CONSUME, "w").take(1000).size(), 500U);
}

TEST_F(RedisOutage, StoppedServerKeepsNobodyBeyondTheDeadline) {
  Broker broker = direct();
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  server->stop_cpu();
  const gander_error e =
      error_of([&] { producer.enqueue({message(1)}, Call(std::chrono::milliseconds(200))); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_EQ(e.flags, kLostReply);
  EXPECT_THAT(e.message, HasSubstr("no reply in time"));
  server->resume();
  const gander_status verdict = broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).front();
  EXPECT_TRUE(verdict == GANDER_OK || verdict == GANDER_DUPLICATE);
  EXPECT_EQ(broker.open(GANDER_ROLE_CONSUME, "w").take(9).size(), 1U);
}

TEST_F(RedisOutage, MasterThatBecameAReplica) {
  const RedisServer elsewhere;
  Broker broker = direct();
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  Cli cli(server->port());
  cli("REPLICAOF 127.0.0.1 " + std::to_string(elsewhere.port()));
  const gander_error e = error_of([&] { producer.enqueue({message(2)}); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_NE(e.flags & GANDER_ERROR_RECONNECT, 0U);
  EXPECT_EQ(e.flags & GANDER_ERROR_MAYBE_APPLIED, 0U);
}

TEST_F(RedisOutage, TooFewReplicasIsToldAndRepeatingWaitsAgain) {
  const auto waiting = [&](const std::string& ms) {
    return broker_on(host, server->url(), {{"wait_replicas", "1"}, {"wait_timeout_ms", ms}});
  };
  Broker broker = waiting("20"), patient = waiting("20000");
  const gander_error e = error_of([&] { broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_EQ(e.flags, GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED);
  EXPECT_THAT(e.message, HasSubstr("0 of 1 replicas"));
  const RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(server->port())});
  Cli cli(server->port());
  while (cli("WAIT 1 100") != "1") continue;
  EXPECT_EQ(patient.open(GANDER_ROLE_PRODUCE)
                .enqueue({message(1)}, Call(std::chrono::seconds(30)))
                .front(),
            GANDER_DUPLICATE);
}

}  // namespace
}  // namespace gander::test
