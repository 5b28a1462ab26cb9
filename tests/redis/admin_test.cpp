// Looking at the Redis broker, and managing it, where its own ways of storing matter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/operator.h"
#include "redis_server.h"

namespace gander::test {
namespace {

class RedisAdmin : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_REDIS();
    server = std::make_unique<RedisServer>();
    broker = std::make_unique<Broker>(broker_on(host, server->url()));
    op = std::make_unique<Operator>(*broker);
  }
  std::int64_t ready() {
    std::int64_t count = 0;
    for (const auto& [name, queue] : op->queues()) count += queue.ready;
    return count;
  }
  void enqueue(std::uint64_t first, std::uint64_t last) {
    Session producer = broker->open(GANDER_ROLE_PRODUCE);
    for (std::uint64_t from = first; from <= last; from += 1000) {
      std::vector<Message> some;
      for (std::uint64_t i = from; i <= std::min(last, from + 999); ++i) some.push_back(message(i));
      producer.enqueue(some);
    }
  }

  FakeHost host;
  std::unique_ptr<RedisServer> server;
  std::unique_ptr<Broker> broker;
  std::unique_ptr<Operator> op;
};

TEST_F(RedisAdmin, RemovedFromTheMiddleIsNeitherCountedNorTaken) {
  enqueue(1, 10);
  EXPECT_EQ(op->remove({3, 4, 7}), Statuses(3, GANDER_OK));
  EXPECT_EQ(op->remove({3}), Statuses{GANDER_NOT_FOUND});
  EXPECT_EQ(ready(), 7);
  EXPECT_EQ(op->page(GANDER_STATE_READY, "default", 99).numbers, (Numbers{1, 2, 5, 6, 8, 9, 10}));
  Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
  EXPECT_EQ(consumer.take(3).numbers(), (Numbers{1, 2, 5}));
  EXPECT_EQ(ready(), 4);
  EXPECT_EQ(consumer.take(99).numbers(), (Numbers{6, 8, 9, 10}));
  EXPECT_EQ(ready(), 0);
  EXPECT_EQ(Cli(server->port())("HGET {test}:holes {test}:ready:1:default"), "0");
}

TEST_F(RedisAdmin, QueueOfEmptyPlacesOnlyGivesNothingAndGoesOn) {
  enqueue(1, 5);
  op->remove({1, 2, 3, 4, 5});
  EXPECT_EQ(ready(), 0);
  Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
  EXPECT_EQ(consumer.take(2).size(), 0U);
  enqueue(6, 6);
  EXPECT_EQ(consumer.take(2).numbers(), Numbers{6});
}

TEST_F(RedisAdmin, PagesOfAQueueGoOnWhileOthersTakeAndAdd) {
  enqueue(1, 1000);
  const auto first = op->page(GANDER_STATE_READY, "default", 300);
  ASSERT_EQ(first.numbers.size(), 300U);
  Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
  consumer.take(100);
  enqueue(1001, 1100);
  const auto second = op->page(GANDER_STATE_READY, "default", 300, first.cursors.back());
  EXPECT_EQ(second.numbers.front(), 301U);
  EXPECT_EQ(second.numbers.back(), 600U);
  consumer.take(700);  // all that were shown are gone
  EXPECT_EQ(op->page(GANDER_STATE_READY, "default", 1, second.cursors.back()).numbers,
            Numbers{801});
}

TEST_F(RedisAdmin, ManyDeadOfOneMomentArePagedWithoutAGap) {
  enqueue(1, 1000);
  Numbers numbers;
  for (std::uint64_t i = 1; i <= 1000; ++i) numbers.push_back(i);
  op->move(numbers, {GANDER_STATE_DEAD}, Call(std::chrono::seconds(60)));
  // As if they had all died in one microsecond.
  Cli cli(server->port());
  for (const std::uint64_t n : numbers) {
    const gander_id id = id_of(n);
    cli(std::vector<std::string>{"ZADD", "{test}:died:default", "1764000000000000",
                                 std::string(reinterpret_cast<const char*>(id.bytes), 16)});
  }
  Numbers all;
  std::string cursor;
  for (;;) {
    const auto next = op->page(GANDER_STATE_DEAD, "default", 150, cursor);
    if (next.numbers.empty()) break;
    all.insert(all.end(), next.numbers.begin(), next.numbers.end());
    cursor = next.cursors.back();
  }
  ASSERT_EQ(all.size(), 1000U);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], 1000 - i);
}

// 200,000 letters, and the server's own log of what took it longer than 50 ms.
TEST_F(RedisAdmin, LongListsHoldUpNobody) {
  Cli cli(server->port());
  enqueue(1, 100'000);
  constexpr const char* kBury = R"lua(
for i = 1, 100000 do
  local id = struct.pack('>I8I8', 7, i)
  redis.call('ZADD', KEYS[1], 1764000000000000 + i, id)
  redis.call('HSET', KEYS[2], id, '\1\1\0\7' .. id .. string.rep('\0', 20) .. 'default')
end)lua";
  cli(std::vector<std::string>{"EVAL", kBury, "2", "{test}:died:default", "{test}:dead:default"});
  cli("SLOWLOG RESET");
  cli("CONFIG SET slowlog-log-slower-than 50000");
  EXPECT_EQ(op->page(GANDER_STATE_DEAD, "default", 20'000).numbers.size(), 20'000U);
  EXPECT_EQ(op->page(GANDER_STATE_READY, "default", 20'000).numbers.size(), 20'000U);
  EXPECT_EQ(op->remove({50'000, 99'999}), Statuses(2, GANDER_OK));
  const Call call(std::chrono::seconds(60));
  EXPECT_EQ(op->purge(GANDER_STATE_DEAD, "default", 0, call), 100'000U);
  EXPECT_EQ(op->purge(GANDER_STATE_READY, "default", 0, call), 99'998U);
  EXPECT_EQ(cli("SLOWLOG LEN"), "0");
  EXPECT_EQ(cli("SCARD {test}:ids"), "0");
}

TEST_F(RedisAdmin, HealthSaysWhatIsWrong) {
  Cli cli(server->port());
  cli("CONFIG SET appendonly no");
  std::string said;
  for (const auto& item : op->health()) said += item.name + ": " + item.advice + "\n";
  EXPECT_THAT(said, testing::StartsWith("persistence: "));
  EXPECT_THAT(said, testing::HasSubstr("appendonly yes"));
}

}  // namespace
}  // namespace gander::test
