// Looking at the Redis broker, and managing it, where its own ways of storing matter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis_server.h"

namespace gander::test {
namespace {

class RedisAdmin : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_REDIS();
    server = std::make_unique<RedisServer>();
    broker = std::make_unique<Broker>(broker_on(host, server->url()));
    inspect = &broker->extension<gander_ext_inspect>(GANDER_EXT_INSPECT);
    manage = &broker->extension<gander_ext_manage>(GANDER_EXT_MANAGE);
    admin = std::make_unique<Session>(broker->open(GANDER_ROLE_ADMIN));
  }
  struct Page {
    std::vector<std::uint64_t> numbers;
    std::string cursor;
  };
  Page page(std::uint32_t state, std::uint32_t limit, const std::string& after = "",
            const std::string& queue = "default") {
    Page result;
    const auto visit = [](void* user, const gander_message* m, gander_str cursor) noexcept {
      auto& into = *static_cast<Page*>(user);
      into.numbers.push_back(number_of(m->id));
      into.cursor = view(cursor);
      return std::int32_t{0};
    };
    gander_error e = blank_error();
    const Call call;
    must(inspect->messages(admin->raw(), &call, str(queue), state, str(after), limit, visit,
                           &result, &e),
         e);
    return result;
  }
  std::vector<gander_status> remove(const std::vector<std::uint64_t>& numbers) {
    std::vector<gander_id> ids;
    for (const std::uint64_t n : numbers) ids.push_back(id_of(n));
    std::vector<gander_status> verdicts(ids.size(), GANDER_INTERNAL);
    gander_error e = blank_error();
    const Call call;
    must(manage->remove(admin->raw(), &call, ids.data(), ids.size(), verdicts.data(), &e), e);
    return verdicts;
  }
  std::int64_t ready() {
    std::int64_t count = 0;
    const auto visit = [](void* user, const gander_queue_stat* stat) noexcept {
      *static_cast<std::int64_t*>(user) += stat->ready;
      return std::int32_t{0};
    };
    gander_error e = blank_error();
    const Call call;
    must(inspect->queues(admin->raw(), &call, visit, &count, &e), e);
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
  const gander_ext_inspect* inspect = nullptr;
  const gander_ext_manage* manage = nullptr;
  std::unique_ptr<Session> admin;
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(RedisAdmin, RemovedFromTheMiddleIsNeitherCountedNorTaken) {
  enqueue(1, 10);
  EXPECT_EQ(remove({3, 4, 7}), std::vector<gander_status>(3, GANDER_OK));
  EXPECT_EQ(remove({3}), std::vector<gander_status>{GANDER_NOT_FOUND});
  EXPECT_EQ(ready(), 7);
  EXPECT_EQ(page(GANDER_STATE_READY, 99).numbers, (Numbers{1, 2, 5, 6, 8, 9, 10}));
  Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
  EXPECT_EQ(consumer.take(3).numbers(), (Numbers{1, 2, 5}));
  EXPECT_EQ(ready(), 4);
  EXPECT_EQ(consumer.take(99).numbers(), (Numbers{6, 8, 9, 10}));
  EXPECT_EQ(ready(), 0);
  EXPECT_EQ(Cli(server->port())("HGET {test}:holes {test}:ready:1:default"), "0");
}

TEST_F(RedisAdmin, QueueOfEmptyPlacesOnlyGivesNothingAndGoesOn) {
  enqueue(1, 5);
  remove({1, 2, 3, 4, 5});
  EXPECT_EQ(ready(), 0);
  Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
  EXPECT_EQ(consumer.take(2).size(), 0U);
  enqueue(6, 6);
  EXPECT_EQ(consumer.take(2).numbers(), Numbers{6});
}

TEST_F(RedisAdmin, PagesOfAQueueGoOnWhileOthersTakeAndAdd) {
  enqueue(1, 1000);
  const Page first = page(GANDER_STATE_READY, 300);
  ASSERT_EQ(first.numbers.size(), 300U);
  Session consumer = broker->open(GANDER_ROLE_CONSUME, "w");
  consumer.take(100);
  enqueue(1001, 1100);
  const Page second = page(GANDER_STATE_READY, 300, first.cursor);
  EXPECT_EQ(second.numbers.front(), 301U);
  EXPECT_EQ(second.numbers.back(), 600U);
  consumer.take(700);  // all that were shown are gone
  EXPECT_EQ(page(GANDER_STATE_READY, 1, second.cursor).numbers, Numbers{801});
}

TEST_F(RedisAdmin, ManyDeadOfOneMomentArePagedWithoutAGap) {
  enqueue(1, 1000);
  std::vector<gander_id> ids;
  for (std::uint64_t i = 1; i <= 1000; ++i) ids.push_back(id_of(i));
  gander_move_req request{};
  request.struct_size = sizeof request;
  request.count = 1000;
  request.ids = ids.data();
  request.to_state = GANDER_STATE_DEAD;
  std::vector<gander_status> verdicts(ids.size(), GANDER_INTERNAL);
  gander_error e = blank_error();
  const Call call(std::chrono::seconds(60));
  must(manage->move(admin->raw(), &call, &request, verdicts.data(), &e), e);
  // As if they had all died in one microsecond.
  Cli cli(server->port());
  for (std::uint64_t i = 1; i <= 1000; ++i)
    cli(std::vector<std::string>{"ZADD", "{test}:died:default", "1764000000000000",
                                 std::string(reinterpret_cast<const char*>(ids[i - 1].bytes), 16)});
  Numbers all;
  std::string cursor;
  for (;;) {
    const Page next = page(GANDER_STATE_DEAD, 150, cursor);
    if (next.numbers.empty()) break;
    all.insert(all.end(), next.numbers.begin(), next.numbers.end());
    cursor = next.cursor;
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
  EXPECT_EQ(page(GANDER_STATE_DEAD, 20'000).numbers.size(), 20'000U);
  EXPECT_EQ(page(GANDER_STATE_READY, 20'000).numbers.size(), 20'000U);
  EXPECT_EQ(remove({50'000, 99'999}), std::vector<gander_status>(2, GANDER_OK));
  std::uint64_t purged = 0;
  gander_error e = blank_error();
  const Call call(std::chrono::seconds(60));
  for (const std::uint32_t state : {GANDER_STATE_DEAD, GANDER_STATE_READY}) {
    must(manage->purge(admin->raw(), &call, str("default"), state, 0, &purged, &e), e);
    EXPECT_EQ(purged, state == GANDER_STATE_DEAD ? 100'000U : 99'998U);
  }
  EXPECT_EQ(cli("SLOWLOG LEN"), "0");
  EXPECT_EQ(cli("SCARD {test}:ids"), "0");
}

TEST_F(RedisAdmin, HealthSaysWhatIsWrong) {
  Cli cli(server->port());
  cli("CONFIG SET appendonly no");
  std::string said;
  const auto visit = [](void* user, const gander_health_item* item) noexcept {
    auto& into = *static_cast<std::string*>(user);
    into += std::string(view(item->name)) + ": " + std::string(view(item->advice)) + "\n";
    return std::int32_t{0};
  };
  gander_error e = blank_error();
  const Call call;
  must(broker->extension<gander_ext_health>(GANDER_EXT_HEALTH)
           .report(admin->raw(), &call, visit, &said, &e),
       e);
  EXPECT_THAT(said, testing::StartsWith("persistence: "));
  EXPECT_THAT(said, testing::HasSubstr("appendonly yes"));
}

}  // namespace
}  // namespace gander::test
