// Members that come, go and take long: nothing is lost, and what is still ours stays ours.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <thread>

#include "../support/operator.h"
#include "cluster.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;

// Its worker says nothing for longer than the interval, as its handler runs. A member that left the
// group would be gone from it, and the job with the other.
TEST(KafkaRebalance, AJobLongerThanThePollIntervalIsKeptAndRunsOnce) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  FakeHost host;
  const std::map<std::string, std::string> quick{{"properties", "max.poll.interval.ms=6000"}};
  Broker broker = broker_on(host, url, cluster.prefix(), quick);
  Broker neighbour = broker_on(host, url, cluster.prefix(), quick);
  Session consumer = consumer_on(broker, "w");
  Session other = consumer_on(neighbour, "n");
  const auto both = std::pair<std::string, int>("Stable", 2);
  ASSERT_TRUE(eventually([&] { return cluster.group() == both; }));
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Taken taken;
  Session* running = nullptr;
  ASSERT_TRUE(eventually([&] {  // the one whose partition it is
    for (Session* one : {&consumer, &other}) {
      if (running != nullptr) break;
      taken = one->take(1);
      if (taken.size() != 0) running = one;
    }
    return running != nullptr;
  }));
  Session& idle = running == &consumer ? other : consumer;
  for (const auto end = std::chrono::steady_clock::now() + 7s;
       std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(100ms)) {
    ASSERT_EQ(cluster.group(), both);
    ASSERT_EQ(idle.take(10).size(), 0U);
  }
  EXPECT_EQ(running->settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
  EXPECT_EQ(running->take(10).size(), 0U);
  EXPECT_EQ(idle.take(10).size(), 0U);
}

TEST(KafkaRebalance, WhatStaysWithItsOwnerIsSettledAcrossIt) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  const gander_message m = take_until(consumer, 1, keep).at(0);
  consumer.take(1, "another");  // a topic more: the group shares out anew
  consumer.take(1, "and.another");
  EXPECT_EQ(consumer.take(10).size(), 0U) << "it came again";
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
}

// Of two partitions one moves to whoever joins, and what its owner still runs is then another's.
TEST(KafkaRebalance, ALateResultOfAPartitionThatMovedIsLeaseLostAndDoesNothing) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  constexpr std::size_t kJobs = 12;
  const Cluster cluster(url);
  FakeHost host;
  const std::map<std::string, std::string> two{{"partitions", "2"}, {"rebalance_wait_ms", "200"}};
  Broker slow = broker_on(host, url, cluster.prefix(), two);
  Broker joins = broker_on(host, url, cluster.prefix(), two);
  std::vector<Message> jobs;
  for (std::uint64_t n = 1; n <= kJobs; ++n) jobs.push_back(message(n));
  slow.open(GANDER_ROLE_PRODUCE).enqueue(jobs);
  Session first = consumer_on(slow, "first");
  std::vector<Taken> keep;
  std::map<std::uint64_t, gander_message> held;
  for (const gander_message& m : take_until(first, kJobs, keep)) held[number_of(m.id)] = m;
  ASSERT_EQ(held.size(), kJobs);
  Session second = consumer_on(joins, "second");
  const auto moved = take_until(second, kJobs / 2, keep);
  ASSERT_EQ(moved.size(), kJobs / 2);
  std::uint32_t op = 0;
  for (const gander_message& m : moved) {
    gander_message late = held.extract(number_of(m.id)).mapped();
    EXPECT_EQ(late.crashes, m.crashes);
    late.attempts = 1;
    late.run_at_us = host.now_us + 60'000'000;
    const std::array ops{GANDER_SETTLE_ACK, GANDER_SETTLE_RETRY, GANDER_SETTLE_DEAD};
    EXPECT_EQ(first.settle(static_cast<std::uint32_t>(ops.at(op++ % ops.size())), late),
              GANDER_LEASE_LOST);
  }
  for (const auto& [number, m] : held)
    EXPECT_EQ(first.settle(GANDER_SETTLE_ACK, m), GANDER_OK) << number << " has not moved";
  for (const gander_message& m : moved) EXPECT_EQ(second.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
  Operator desk(slow);
  for (const std::uint32_t state : {GANDER_STATE_RETRY, GANDER_STATE_DEAD})
    EXPECT_EQ(desk.list(state), Numbers{}) << "a late result left a successor";
  EXPECT_EQ(first.take(10).size() + second.take(10).size(), 0U);
}

TEST(KafkaRebalance, MembersThatComeAndGoLoseNothing) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  constexpr std::uint64_t kJobs = 2000;
  const Cluster cluster(url);
  FakeHost host;
  const std::map<std::string, std::string> four{{"partitions", "4"}, {"rebalance_wait_ms", "200"}};
  Broker steady = broker_on(host, url, cluster.prefix(), four);
  std::vector<Message> jobs;
  for (std::uint64_t n = 1; n <= kJobs; ++n) jobs.push_back(message(n));
  steady.open(GANDER_ROLE_PRODUCE).enqueue(jobs);
  Session consumer = consumer_on(steady, "steady");
  std::map<std::uint64_t, int> acked, came;
  const auto work = [&](Session& session) {
    const Taken taken = session.take(20);
    for (std::size_t i = 0; i < taken.size(); ++i) ++came[number_of(taken[i].id)];
    for (std::size_t i = 0; i < taken.size(); ++i)
      if (session.settle(GANDER_SETTLE_ACK, taken[i]) == GANDER_OK) ++acked[number_of(taken[i].id)];
  };
  for (int round = 0; round < 4; ++round) {
    Broker guest = broker_on(host, url, cluster.prefix(), four);
    Session session = consumer_on(guest, "guest" + std::to_string(round));
    for (int i = 0; i < 10; ++i) work(session), work(consumer);
  }
  EXPECT_TRUE(eventually([&] {
    work(consumer);
    return acked.size() >= kJobs;
  })) << acked.size();
  for (const auto& [number, times] : acked) EXPECT_EQ(times, 1) << number;
  for (const auto& [number, times] : came)
    EXPECT_EQ(times, 1) << number << ": handed out while its partition was about to go";
}

TEST(KafkaRebalance, WhatABusyWorkerDoesNotAskForGoesToAnIdleOne) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  const std::map<std::string, std::string> two{{"partitions", "2"}};
  Broker busy = broker_on(host, url, cluster.prefix(), two);
  Broker idle = broker_on(host, url, cluster.prefix(), two);
  Session one = consumer_on(busy, "busy");
  Session other = consumer_on(idle, "idle");
  std::vector<Message> jobs;
  for (std::uint64_t n = 1; n <= 20; ++n) jobs.push_back(message(n));
  busy.open(GANDER_ROLE_PRODUCE).enqueue(jobs);
  std::vector<Taken> keep;
  const auto held = take_until(one, 1, keep);  // and asks for nothing more
  const auto rest = take_until(other, 19, keep);
  EXPECT_EQ(rest.size(), 19U);
  for (const gander_message& m : rest) EXPECT_EQ(other.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
  EXPECT_EQ(one.settle(GANDER_SETTLE_ACK, held.at(0)), GANDER_OK);
}

// It would be written to and fro for as long as they are busy.
TEST(KafkaRebalance, BetweenTwoBusyWorkersNothingIsHandedOn) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  FakeHost host;
  const std::map<std::string, std::string> two{{"partitions", "2"}};
  Broker brokers[] = {broker_on(host, url, cluster.prefix(), two),
                      broker_on(host, url, cluster.prefix(), two)};
  Session one = consumer_on(brokers[0], "one");
  Session other = consumer_on(brokers[1], "other");
  brokers[0].open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3)});
  std::vector<Taken> keep;
  ASSERT_EQ(take_until(one, 1, keep).size(), 1U);
  ASSERT_EQ(take_until(other, 1, keep).size(), 1U);
  const std::string topic = cluster.prefix() + ".q.default.1";
  const std::int64_t before = cluster.written(topic, 2);
  std::this_thread::sleep_for(4s);
  EXPECT_EQ(cluster.written(topic, 2), before);
}

}  // namespace
}  // namespace gander::test
