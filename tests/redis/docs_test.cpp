// What docs/brokers/redis.md shows works, and it names every option with its default.
#include "../support/operator.h"
#include "../support/page.h"
#include "redis_server.h"

namespace gander::test {
namespace {

TEST(RedisPage, NamesEveryOptionWithItsDefault) {
  EXPECT_EQ(expect_options(read_page(GANDER_REDIS_PAGE)), 20U);
}

TEST(RedisPage, ShowsCommandsThatWork) {
  GANDER_REQUIRE_REDIS();
  const RedisServer server;
  FakeHost host;
  Broker broker = broker_on(host, server.url(), {{"prefix", "gander"}});
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3), message(4)});
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "host:1");
  const Taken taken = consumer.take(3);
  gander_message later = taken[0];
  later.run_at_us = 4'000'000'000'000'000;
  consumer.settle(GANDER_SETTLE_RETRY, later);
  consumer.settle(GANDER_SETTLE_DEAD, taken[1]);
  Cli cli(server.port());
  const auto commands = all_between(read_page(GANDER_REDIS_PAGE), "\nredis-cli ", "\n");
  EXPECT_EQ(commands.size(), 6U);
  for (const std::string& command : commands) {
    const std::string answer = cli(command);
    EXPECT_FALSE(answer.empty() || answer == "0" || answer[0] == '-') << command << ": " << answer;
  }
}

TEST(RedisPage, ShowsAUserWithEnoughRights) {
  GANDER_REQUIRE_REDIS();
  const RedisServer server;
  const auto lines = all_between(read_page(GANDER_REDIS_PAGE), "\nACL SETUSER ", "\n");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(Cli(server.port())("ACL SETUSER " + lines[0]), "OK");
  FakeHost host;
  Broker broker = broker_on(
      host, server.url(), {{"prefix", "gander"}, {"username", "gander"}, {"password", "password"}});
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "w");
  const Taken taken = consumer.take(1);
  EXPECT_EQ(taken.size(), 1U);
  broker.open(GANDER_ROLE_TEND, "w").tend();
  broker.open(GANDER_ROLE_WAIT).wait(std::chrono::milliseconds(1));
  Operator(broker).pause(true, "q");
}

}  // namespace
}  // namespace gander::test
