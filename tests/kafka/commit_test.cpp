// Commits that the cluster refuses: nothing is skipped for it, and what does not end by itself is
// told to an operator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "../support/operator.h"
#include "cluster.h"
#include "kafka_node.h"

namespace gander::test {
namespace {

using testing::HasSubstr;

// Whoever takes partitions over says so in a commit first: with none nothing is begun, as all of it
// would run again in whoever comes next.
TEST(KafkaCommit, OneThatIsTooLargeForTheClusterIsToldAndNothingIsBegun) {
  KafkaNode::Doors narrow;
  narrow.properties = "offset.metadata.max.bytes=8\n";
  KafkaNode node(narrow);
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  Cluster cluster(node.url());
  FakeHost host;
  Broker broker = broker_on(host, node.url(), cluster.prefix());
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = consumer_on(broker, "w");
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(consumer.take(1).size(), 0U);
    return !host.warnings_of("committing what is done").empty();
  }));
  EXPECT_THAT(host.warnings_of("committing what is done").at(0),
              HasSubstr("offset.metadata.max.bytes"));
  EXPECT_EQ(consumer.take(1).size(), 0U);
  Operator op(broker);
  EXPECT_EQ(op.queues().at("default").ready, 1);
}

// As when it was silent for longer than its session, or the coordinator has forgotten it. Its
// commits are refused then; and what nobody else had meanwhile is its own as before.
TEST(KafkaCommit, AMemberThatTheGroupDoesNotKnowAnyMoreComesBackAndLosesNothing) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3)});
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 3, keep);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken.at(0)), GANDER_OK);
  cluster.expel_members();
  std::map<std::uint64_t, int> came{{1, 1}, {2, 1}, {3, 1}};
  std::set<std::uint64_t> acked{1};
  const auto ack = [&](const gander_message& m) {
    if (consumer.settle(GANDER_SETTLE_ACK, m) == GANDER_OK) acked.insert(number_of(m.id));
  };
  ack(taken[1]);
  ack(taken[2]);
  EXPECT_TRUE(eventually([&] {
    const Taken more = consumer.take(3);
    for (std::size_t i = 0; i < more.size(); ++i) {
      ++came[number_of(more[i].id)];
      ack(more[i]);
    }
    return cluster.committed(cluster.prefix() + ".q.default.1").first == 3;
  }));
  EXPECT_EQ(acked, (std::set<std::uint64_t>{1, 2, 3}));
  for (const auto& [number, times] : came) EXPECT_EQ(times, 1) << number;
  EXPECT_EQ(cluster.group().second, 1);
}

}  // namespace
}  // namespace gander::test
