// Members that come, go and take long: nothing is lost, and what is still ours stays ours.
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "cluster.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;

TEST(KafkaRebalance, AJobLongerThanThePollIntervalIsKeptAndRunsOnce) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  const std::map<std::string, std::string> quick{{"properties", "max.poll.interval.ms=6000"}};
  Broker broker = broker_on(host, url, cluster.prefix(), quick);
  Broker neighbour = broker_on(host, url, cluster.prefix(), quick);
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  const gander_message m = take_until(consumer, 1, keep).at(0);
  // Its worker says nothing for longer than the interval, as its handler runs.
  const auto end = std::chrono::steady_clock::now() + 7s;
  Session other = consumer_on(neighbour, "n");
  while (std::chrono::steady_clock::now() < end) {
    const Taken taken = other.take(10);
    if (taken.size() != 0) {  // the partition may go to the newcomer, and then the job is his
      EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, m), GANDER_LEASE_LOST);
      EXPECT_EQ(other.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
      return;
    }
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
  EXPECT_EQ(other.take(10).size(), 0U);
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

}  // namespace
}  // namespace gander::test
