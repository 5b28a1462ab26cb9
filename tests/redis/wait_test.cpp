// The WAIT session of the Redis broker: an arrival is never missed, however it comes about.
#include <gtest/gtest.h>

#include <thread>

#include "../support/operator.h"
#include "proxy.h"
#include "redis_server.h"

namespace gander::test {
namespace {

using std::chrono::seconds;

class RedisWait : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_REDIS();
    server = std::make_unique<RedisServer>();
    broker = std::make_unique<Broker>(broker_on(host, server->url()));
  }
  // Of the queues that it was opened for.
  static gander_status wait(Session& waiter, const std::vector<std::string>& queues,
                            std::chrono::microseconds limit) {
    std::vector<gander_str> names;
    for (const std::string& queue : queues) names.push_back(str(queue));
    const Call call(limit);
    gander_error e = blank_error();
    return table().wait(waiter.raw(), &call, names.data(), names.size(), &e);
  }

  FakeHost host;
  std::unique_ptr<RedisServer> server;
  std::unique_ptr<Broker> broker;
};

TEST_F(RedisWait, HearsAnyOfItsQueuesAndNoOther) {
  Session waiter = broker->open(GANDER_ROLE_WAIT), producer = broker->open(GANDER_ROLE_PRODUCE);
  const std::vector<std::string> mine{"a", "b"};
  EXPECT_EQ(wait(waiter, mine, std::chrono::milliseconds(1)), GANDER_TIMEOUT);
  producer.enqueue({message(1, "other")});
  EXPECT_EQ(wait(waiter, mine, std::chrono::milliseconds(20)), GANDER_TIMEOUT);
  producer.enqueue({message(2, "b")});
  EXPECT_EQ(wait(waiter, mine, seconds(10)), GANDER_OK);
  producer.enqueue({message(3, "a")});
  EXPECT_EQ(wait(waiter, mine, seconds(10)), GANDER_OK);
}

TEST_F(RedisWait, WhatCameWhileItWasAwayIsHeard) {
  Session waiter = broker->open(GANDER_ROLE_WAIT), producer = broker->open(GANDER_ROLE_PRODUCE);
  wait(waiter, {"q"}, std::chrono::milliseconds(1));
  for (std::uint64_t i = 1; i <= 100; ++i) producer.enqueue({message(i, "q")});
  EXPECT_EQ(wait(waiter, {"q"}, seconds(10)), GANDER_OK);
  // The first may have been the answer to the request that was under way; then there is one more.
  gander_status last = wait(waiter, {"q"}, std::chrono::milliseconds(1));
  if (last == GANDER_OK) last = wait(waiter, {"q"}, std::chrono::milliseconds(1));
  EXPECT_EQ(last, GANDER_TIMEOUT);
}

TEST_F(RedisWait, EveryWayBackToAQueueRings) {
  Session producer = broker->open(GANDER_ROLE_PRODUCE);
  Session waiter = broker->open(GANDER_ROLE_WAIT);
  Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
  producer.enqueue({message(1, "q")});
  const auto rings = [&](const char* what) {
    EXPECT_EQ(wait(waiter, {"q"}, seconds(10)), GANDER_OK) << what;
    EXPECT_EQ(wait(waiter, {"q"}, std::chrono::milliseconds(1)), GANDER_TIMEOUT) << what;
  };
  rings("enqueue");
  Taken taken = consumer.take(1, "q");
  consumer.settle(GANDER_SETTLE_GIVE_BACK, taken[0]);
  rings("give back");
  taken = consumer.take(1, "q");
  gander_message retry = taken[0];
  retry.run_at_us = 1;
  consumer.settle(GANDER_SETTLE_RETRY, retry);
  rings("a retry that is due");
  taken = consumer.take(1, "q");
  consumer.close();
  rings("closing the session");
  Operator op(*broker);
  op.pause(true, "q");
  EXPECT_EQ(wait(waiter, {"q"}, std::chrono::milliseconds(1)), GANDER_TIMEOUT);
  op.pause(false, "q");
  rings("resuming");
}

TEST_F(RedisWait, InterruptEndsItAtOnceAndTheNextOneWaitsAgain) {
  Session waiter = broker->open(GANDER_ROLE_WAIT), producer = broker->open(GANDER_ROLE_PRODUCE);
  {
    std::jthread interrupter([&] { waiter.interrupt(); });
    EXPECT_EQ(wait(waiter, {"q"}, seconds(30)), GANDER_CANCELLED);
  }
  EXPECT_EQ(wait(waiter, {"q"}, std::chrono::milliseconds(1)), GANDER_TIMEOUT);
  producer.enqueue({message(1, "q")});
  EXPECT_EQ(wait(waiter, {"q"}, seconds(10)), GANDER_OK);
}

TEST_F(RedisWait, OtherQueuesThanBefore) {
  Session waiter = broker->open(GANDER_ROLE_WAIT), producer = broker->open(GANDER_ROLE_PRODUCE);
  wait(waiter, {"a"}, std::chrono::milliseconds(1));  // whose request the server still holds
  producer.enqueue({message(1, "b")});
  EXPECT_EQ(wait(waiter, {"b"}, seconds(10)), GANDER_OK);
  producer.enqueue({message(2, "a")});
  EXPECT_EQ(wait(waiter, {"a"}, seconds(10)), GANDER_OK);
}

TEST_F(RedisWait, CutConnectionSaysReconnect) {
  Proxy proxy(server->port());
  Broker far = broker_on(host, "redis://127.0.0.1:" + std::to_string(proxy.port()));
  Session waiter = far.open(GANDER_ROLE_WAIT);
  wait(waiter, {"q"}, std::chrono::milliseconds(1));
  proxy.cut();
  const Call call(seconds(10));
  gander_error e = blank_error();
  const gander_str q = str("q");
  EXPECT_EQ(table().wait(waiter.raw(), &call, &q, 1, &e), GANDER_UNAVAILABLE);
  EXPECT_NE(e.flags & GANDER_ERROR_RECONNECT, 0U);
}

}  // namespace
}  // namespace gander::test
