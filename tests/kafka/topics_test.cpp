// The shape of topics: as the options say where the plugin makes them, and refused by name where
// somebody else has made them so that jobs would be lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster.h"

namespace gander::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

TEST(KafkaTopics, AControlTopicThatForgetsIsRefusedUntilItIsGone) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  GANDER_REQUIRE_DELETIONS();
  for (const std::string name : {".sched", ".dead"}) {
    Cluster cluster(url);
    cluster.create(cluster.prefix() + name, {{"cleanup.policy", "delete"}});
    FakeHost host;
    Broker broker = broker_on(host, url, cluster.prefix());
    Session producer = broker.open(GANDER_ROLE_PRODUCE);
    Message later = message(1);
    later.m.run_at_us = host.now_us + 60'000'000;
    const gander_error refused[] = {error_of([&] { producer.enqueue({later}); }),
                                    error_of([&] { consumer_on(broker, "w"); })};
    for (const gander_error& e : refused) {
      EXPECT_EQ(e.code, GANDER_CONFIG);
      EXPECT_THAT(e.message, AllOf(HasSubstr("the topic " + cluster.prefix() + name),
                                   HasSubstr("cleanup.policy=delete"), HasSubstr("to compact")));
    }
    cluster.remove(cluster.prefix() + name);
    // The cluster may go on describing it for a moment.
    EXPECT_TRUE(eventually([&] {
      try {
        return producer.enqueue({later}) == std::vector<gander_status>{GANDER_OK};
      } catch (const Failure&) {
        return false;
      }
    }));
  }
}

// All read its first partition alone: what lies in another nobody would know.
TEST(KafkaTopics, AStateOfSeveralPartitionsIsRefusedUntilItIsGone) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  GANDER_REQUIRE_DELETIONS();
  Cluster cluster(url);
  const std::string state = cluster.prefix() + ".state";
  cluster.create(state, {{"cleanup.policy", "compact"}}, 2);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  const gander_error e = error_of([&] { consumer_on(broker, "w"); });
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, AllOf(HasSubstr("the topic " + state), HasSubstr("2 partitions")));
  cluster.remove(state);
  consumer_on(broker, "w");
  EXPECT_EQ(cluster.shape(state).partitions, 1);
}

TEST(KafkaTopics, OneThatIsRefusedKeepsNoOtherQueueFromItsWorker) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  cluster.create(cluster.prefix() + ".q.bad.1", {{"cleanup.policy", "compact"}});
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  Session consumer = consumer_on(broker, "w");
  const gander_error e = error_of([&] { consumer.exchange({}, {"good", "bad"}, 1); });
  EXPECT_THAT(e.message, HasSubstr(".q.bad.1"));
  ASSERT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1, "good")}).at(0), GANDER_OK);
  std::vector<Taken> keep;
  EXPECT_EQ(take_until(consumer, 1, keep, "good").size(), 1U);
}

TEST(KafkaTopics, WhatIsMadeHasTheShapeThatTheOptionsAskFor) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix(),
                            {{"partitions", "3"},
                             {"replication", "1"},
                             {"min_insync_replicas", "1"},
                             {"max_body_bytes", "2000000"}});
  Message later = message(1);
  later.m.run_at_us = host.now_us + 60'000'000;
  ASSERT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({later}).at(0), GANDER_OK);
  const auto expect = [&](const std::string& name, int partitions, const std::string& policy) {
    const Cluster::Shape shape = cluster.shape(cluster.prefix() + name);
    EXPECT_EQ(shape.partitions, partitions) << name;
    EXPECT_EQ(shape.replicas, 1) << name;
    EXPECT_THAT(
        shape.config,
        AllOf(Contains(Pair("cleanup.policy", policy)), Contains(Pair("retention.ms", "-1")),
              Contains(Pair("retention.bytes", "-1")), Contains(Pair("min.insync.replicas", "1"))))
        << name;
    EXPECT_GT(std::stoi(shape.config.at("max.message.bytes")), 2'000'000) << name;
  };
  for (const std::string priority : {"0", "1", "2"}) expect(".q.default." + priority, 3, "delete");
  expect(".sched", 3, "compact");
  expect(".dead", 3, "compact");
  expect(".state", 1, "compact");
}

}  // namespace
}  // namespace gander::test
