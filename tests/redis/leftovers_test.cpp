// What the Redis broker leaves behind, and how many commands it takes.
#include <gtest/gtest.h>

#include "redis_server.h"

namespace gander::test {
namespace {

class RedisLeftovers : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_REDIS();
    server = std::make_unique<RedisServer>();
    broker = std::make_unique<Broker>(broker_on(host, server->url()));
    cli = std::make_unique<Cli>(server->port());
  }
  // Commands that came over a connection since the last call, this one aside.
  long long commands() {
    const std::string info = (*cli)("INFO stats");
    const std::size_t at = info.find("total_commands_processed:") + 25;
    const long long total = std::stoll(info.substr(at));
    return total - std::exchange(last_, total) - 1;
  }

  FakeHost host;
  std::unique_ptr<RedisServer> server;
  std::unique_ptr<Broker> broker;
  std::unique_ptr<Cli> cli;

 private:
  long long last_ = 0;
};

TEST_F(RedisLeftovers, NoKeyIsLeftWhenAllIsDone) {
  {
    Session producer = broker->open(GANDER_ROLE_PRODUCE);
    Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
    Message later = message(2, "mail");
    later.m.run_at_us = 1;
    producer.enqueue({message(1), later, message(3)});
    const Taken taken = consumer.exchange({}, {"default", "mail"}, 9);
    ASSERT_EQ(taken.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[i]), GANDER_OK);
    broker->open(GANDER_ROLE_TEND, "w").tend();
  }
  EXPECT_EQ((*cli)("KEYS *"), "");
}

// An enqueue is one call whatever its number, and so is an exchange of settles and takes.
TEST_F(RedisLeftovers, OneRoundTripForEachCall) {
  Session producer = broker->open(GANDER_ROLE_PRODUCE);
  Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
  std::vector<Message> many;
  for (std::uint64_t i = 1; i <= 500; ++i) many.push_back(message(i));
  producer.enqueue({message(900)});  // loads the scripts
  consumer.take(1);
  commands();
  producer.enqueue(many);
  const long long enqueue = commands();
  const Taken taken = consumer.take(500);
  ASSERT_EQ(taken.size(), 500U);
  const long long take = commands();
  std::vector<Settle> acks;
  for (std::size_t i = 0; i < taken.size(); ++i) acks.push_back({GANDER_SETTLE_ACK, taken[i]});
  consumer.exchange(acks, {"default"}, 500);
  const long long settle = commands();
  // What a script calls inside the server is counted as well, per call and not per message.
  EXPECT_LT(enqueue, 30);
  EXPECT_LT(take, 30);
  EXPECT_LT(settle, 30);
}

}  // namespace
}  // namespace gander::test
