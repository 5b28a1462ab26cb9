// What the options say of dead letters that are kept, and what an operator is told of the cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "../support/operator.h"
#include "cluster.h"

namespace gander::test {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000;

// As many as asked for have died, one each second.
void bury(FakeHost& host, Broker& broker, Session& consumer, std::uint64_t n) {
  std::vector<Message> jobs;
  for (std::uint64_t i = 1; i <= n; ++i) jobs.push_back(message(i));
  broker.open(GANDER_ROLE_PRODUCE).enqueue(std::move(jobs));
  std::vector<Taken> keep;
  for (gander_message m : take_until(consumer, n, keep)) {
    m.failed_at_us = host.now_us + static_cast<std::int64_t>(number_of(m.id)) * kSecond;
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, m), GANDER_OK);
  }
  host.now_us += static_cast<std::int64_t>(n) * kSecond;
}

// The first look of a worker's housekeeping.
gander_tend_res tend(Broker& broker) { return broker.open(GANDER_ROLE_TEND, "w").tend(); }

TEST(KafkaKeeping, OfDeadLettersTheNewestAreKept) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix(), {{"dead_max_count", "2"}});
  Session consumer = consumer_on(broker, "w");
  bury(host, broker, consumer, 5);
  Operator op(broker);
  ASSERT_EQ(op.list(GANDER_STATE_DEAD).size(), 5U);
  EXPECT_EQ(tend(broker).trimmed, 3U);
  EXPECT_EQ(op.list(GANDER_STATE_DEAD), (Numbers{5, 4}));
  EXPECT_EQ(tend(broker).trimmed, 0U);
}

TEST(KafkaKeeping, OldDeadLettersAreDropped) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix(), {{"dead_max_age_s", "60"}});
  Session consumer = consumer_on(broker, "w");
  bury(host, broker, consumer, 5);
  EXPECT_EQ(tend(broker).trimmed, 0U);
  host.now_us += 57 * kSecond + kSecond / 2;
  EXPECT_EQ(tend(broker).trimmed, 2U);
  EXPECT_EQ(Operator(broker).list(GANDER_STATE_DEAD), (Numbers{5, 4, 3}));
}

// Then an id that dies again may lie in another partition than the tombstone of its first death.
TEST(KafkaKeeping, OldDeadLettersAreDroppedAlsoWhenTheirTopicHasGrown) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  FakeHost host;
  std::vector<Taken> keep;
  {
    Broker broker = broker_on(host, url, cluster.prefix(), {{"partitions", "2"}});
    Session consumer = consumer_on(broker, "w");
    bury(host, broker, consumer, 30);
    Operator op(broker);
    op.replay(op.list(GANDER_STATE_DEAD));
  }
  cluster.grow(cluster.prefix() + ".dead", 3);
  Broker broker = broker_on(host, url, cluster.prefix(), {{"dead_max_age_s", "60"}});
  Session consumer = consumer_on(broker, "w");
  EXPECT_TRUE(eventually([&] { return tend(broker).promoted > 0; }));
  const auto back = take_until(consumer, 30, keep);
  for (gander_message m : back) {
    m.failed_at_us = host.now_us;
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, m), GANDER_OK);
  }
  EXPECT_EQ(back.size(), 30U);
  host.now_us += 120 * kSecond;
  EXPECT_EQ(tend(broker).trimmed, 30U);
}

TEST(KafkaKeeping, HealthSaysWhatOneBrokerIsWorthAndWhatThereIs) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  const auto items = Operator(broker).health();
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].name, "brokers") << "the worst comes first";
  EXPECT_EQ(items[0].value, "1");
  EXPECT_EQ(items[0].level, static_cast<std::uint32_t>(GANDER_LOG_WARN));
  EXPECT_THAT(items[0].advice, HasSubstr("'min_insync_replicas' 2"));
  const auto named = [&](const std::string& name) {
    return *std::ranges::find(items, name, &Operator::HealthItem::name);
  };
  EXPECT_EQ(named("partitions").value, "3")
      << "one for each priority, and those of no other prefix";
  EXPECT_EQ(named("partitions").level, static_cast<std::uint32_t>(GANDER_LOG_INFO));
  EXPECT_EQ(named("librdkafka").value, rd_kafka_version_str());
}

}  // namespace
}  // namespace gander::test
