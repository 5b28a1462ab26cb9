// What the Kafka broker refuses, and in which words; nothing is lost by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "../support/operator.h"
#include "cluster.h"
#include "kafka_node.h"

namespace gander::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

bool retryable(const gander_error& e) { return (e.flags & GANDER_ERROR_RETRYABLE) != 0; }
bool maybe_applied(const gander_error& e) { return (e.flags & GANDER_ERROR_MAYBE_APPLIED) != 0; }

TEST(KafkaRefusals, OptionsThatAreWrongAreNamed) {
  FakeHost host;
  const auto why = [&](const std::map<std::string, std::string>& options) {
    const gander_error e = error_of([&] { Broker(host, options); });
    EXPECT_EQ(e.code, GANDER_CONFIG);
    return std::string(e.message);
  };
  for (const char* url :
       {"kafka://h:port", "kafka://h/db", "http://h", "kafka://h:0", "kafka://a,,b"})
    EXPECT_THAT(why({{"url", url}}), HasSubstr("option 'url'")) << url;
  EXPECT_THAT(why({{"prefix", "a_b"}}), HasSubstr("'prefix'"));
  EXPECT_THAT(why({{"member", "a/b"}}), HasSubstr("option 'member' is 'a/b'; it must be"));
  EXPECT_THAT(why({{"member", std::string(101, 'a')}}), HasSubstr("'member'"));
  EXPECT_THAT(why({{"properties", "group.id=mine"}}), HasSubstr("'group.id'"));
  EXPECT_THAT(why({{"properties", "partitioner=random"}}), HasSubstr("'partitioner'"));
  EXPECT_THAT(why({{"properties", "=5"}}), HasSubstr("'properties'"));
}

TEST(KafkaRefusals, APropertyThatLibrdkafkaDoesNotKnowIsNamedAndItsValueIsNot) {
  FakeHost host;
  Broker broker = broker_on(host, "kafka://127.0.0.1:1", "x", {{"properties", "no.such=5ecret"}});
  const gander_error e = error_of([&] { broker.open(GANDER_ROLE_PRODUCE); });
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("'no.such'"));
  EXPECT_THAT(e.message, Not(HasSubstr("5ecret")));
}

TEST(KafkaRefusals, WithNobodyThereASessionIsUnavailableInItsTime) {
  FakeHost host;
  Broker broker = broker_on(host, "kafka://ada:5ecret@127.0.0.1:1", "x");
  const auto start = std::chrono::steady_clock::now();
  const gander_error e = error_of([&] { broker.open(GANDER_ROLE_PRODUCE, "", Call(500ms)); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_TRUE(retryable(e));
  EXPECT_FALSE(maybe_applied(e));
  EXPECT_THAT(e.message, HasSubstr("kafka://127.0.0.1:1"));
  EXPECT_THAT(e.message, Not(HasSubstr("5ecret")));
}

TEST(KafkaRefusals, AMissingTopicIsNamedWhenNoneMayBeMade) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix(), {{"create_topics", "false"}});
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  const gander_error e = error_of([&] { producer.enqueue({message(1)}); });
  EXPECT_EQ(e.code, GANDER_NOT_FOUND);
  EXPECT_THAT(e.message, HasSubstr(cluster.prefix() + ".q.default.0"));
  EXPECT_THAT(e.message, HasSubstr("'create_topics'"));
}

TEST(KafkaRefusals, AWorkerNamesTheTopicThatIsMissingAndTakesWhenItIsThere) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  Broker worker = broker_on(host, url, cluster.prefix(), {{"create_topics", "false"}});
  Broker maker = broker_on(host, url, cluster.prefix());
  const auto expect_missing = [&](const std::string& topic) {
    const gander_error e = error_of([&] { consumer_on(worker, "w"); });
    EXPECT_EQ(e.code, GANDER_NOT_FOUND);
    EXPECT_TRUE(retryable(e));
    EXPECT_THAT(e.message, HasSubstr("the topic " + cluster.prefix() + topic));
    EXPECT_THAT(e.message, HasSubstr("create the topic, or let the option 'create_topics' do it"));
  };
  expect_missing(".sched");
  Operator(maker).list(GANDER_STATE_SCHEDULED);  // which makes those of no queue
  expect_missing(".q.default.0");
  maker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = consumer_on(worker, "w");
  std::vector<Taken> keep;
  EXPECT_EQ(take_until(consumer, 1, keep).size(), 1U);
  const gander_error e = error_of([&] { consumer.take(1, "other"); });
  EXPECT_EQ(e.code, GANDER_NOT_FOUND);
  EXPECT_THAT(e.message, HasSubstr(cluster.prefix() + ".q.other.0"));
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, keep.back()[0]), GANDER_OK) << "it goes on";
}

TEST(KafkaRefusals, ATopicThatWouldLoseMessagesIsRefusedByItsName) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  const std::string compacted = cluster.prefix() + ".q.default.1";
  cluster.create(compacted, {{"cleanup.policy", "compact"}});
  cluster.create(cluster.prefix() + ".q.brief.1", {{"retention.ms", "1000"}});
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  gander_error e = error_of([&] { producer.enqueue({message(1)}); });
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr(compacted));
  EXPECT_THAT(e.message, HasSubstr("cleanup.policy=compact"));
  e = error_of([&] { producer.enqueue({message(1, "brief")}); });
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("retention.ms=1000"));
}

TEST(KafkaRefusals, WhatTheTopicTakesNotIsTooLargeAndItsNeighboursAreStored) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  cluster.create(cluster.prefix() + ".q.default.1",
                 {{"retention.ms", "-1"}, {"max.message.bytes", "2000"}});
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Message large = message(2);
  large.body.assign(5000, 'x');
  EXPECT_EQ(producer.enqueue({large}), std::vector<gander_status>{GANDER_TOO_LARGE});
  EXPECT_EQ(producer.enqueue({message(1), large, message(3)}),
            (std::vector<gander_status>{GANDER_OK, GANDER_TOO_LARGE, GANDER_OK}));
  EXPECT_EQ(producer.enqueue({message(4)}), std::vector<gander_status>{GANDER_OK});
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  std::set<std::uint64_t> came;
  for (const gander_message& m : take_until(consumer, 3, keep)) came.insert(number_of(m.id));
  EXPECT_EQ(came, (std::set<std::uint64_t>{1, 3, 4}));
  EXPECT_EQ(consumer.take(10).size(), 0U);
}

// The topic would never take the successor, which is larger than what it succeeds.
TEST(KafkaRefusals, AJobWhoseErrorMakesItTooLargeForATopicIsKeptWithoutThatText) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  for (const char* name : {".dead", ".sched"})
    cluster.create(cluster.prefix() + name,
                   {{"cleanup.policy", "compact"}, {"max.message.bytes", "2000"}});
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  Message large = message(1), larger = message(3);
  large.body.assign(1700, 'x');
  larger.body.assign(3000, 'x');
  broker.open(GANDER_ROLE_PRODUCE).enqueue({large, message(2), larger});
  Session consumer = consumer_on(broker, "w");
  Session tender = broker.open(GANDER_ROLE_TEND, "w");
  const std::string text(500, 'e');
  const auto failed = [&](gander_message m, std::int64_t in) {
    m.attempts += 1;
    m.run_at_us = host.now_us + in;
    m.note = {text.data(), static_cast<std::uint32_t>(text.size())};
    return m;
  };
  std::vector<Taken> keep;
  std::vector<Settle> retries;
  for (const gander_message& m : take_until(consumer, 3, keep))
    retries.push_back({GANDER_SETTLE_RETRY, failed(m, 1'000'000)});
  // Together they are refused: the host finds out which, one at a time.
  gander_error e = error_of([&] { consumer.exchange(retries, {}, 0); });
  EXPECT_EQ(e.code, GANDER_TOO_LARGE) << e.message;
  EXPECT_FALSE(retryable(e) || maybe_applied(e));
  EXPECT_THAT(e.message, HasSubstr("max.message.bytes"));
  for (const auto& [op, m] : retries) {
    if (number_of(m.id) != 3) {
      EXPECT_EQ(consumer.settle(op, m), GANDER_OK);
      continue;
    }
    for (const auto to : {GANDER_SETTLE_RETRY, GANDER_SETTLE_DEAD}) {
      e = error_of([&] { consumer.settle(static_cast<std::uint32_t>(to), m); });
      EXPECT_EQ(e.code, GANDER_TOO_LARGE) << e.message;
    }
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, m), GANDER_OK) << "it was kept";
  }
  host.now_us += 1'000'001;
  std::set<std::uint64_t> came;
  for (const gander_message& m : take_until(consumer, 2, keep)) {
    came.insert(number_of(m.id));
    EXPECT_EQ(m.attempts, 1U);
    EXPECT_EQ(m.note.len, number_of(m.id) == 1 ? 0U : text.size());
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, failed(m, 0)), GANDER_OK);
  }
  EXPECT_EQ(came, (std::set<std::uint64_t>{1, 2}));
  EXPECT_THAT(Operator(broker).list(GANDER_STATE_DEAD), testing::UnorderedElementsAre(1, 2));
}

TEST(KafkaRefusals, TooFewReplicasAreToldByName) {
  KafkaNode node;
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  KafkaNode second(&node);
  FakeHost host;
  Broker broker =
      broker_on(host, node.url(), "x", {{"replication", "2"}, {"min_insync_replicas", "2"}});
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  ASSERT_TRUE(eventually([&] {
    try {
      return producer.enqueue({message(1)}).at(0) == GANDER_OK;
    } catch (const Failure&) {
      return false;  // the second has not joined yet
    }
  }));
  EXPECT_EQ(Cluster(node.url()).shape("x.q.default.1").replicas, 2);
  second.kill();
  gander_error e = blank_error();
  EXPECT_TRUE(eventually([&] {
    try {
      Session fresh = broker.open(GANDER_ROLE_PRODUCE);
      fresh.enqueue({message(2)}, Call(1500ms));
    } catch (const Failure& failure) {
      e = failure.error;
    }
    return std::string_view(e.native) == "NOT_ENOUGH_REPL";
  })) << e.message;
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_TRUE(retryable(e));
  EXPECT_THAT(e.message, HasSubstr("min.insync.replicas"));
  const auto worst = Operator(broker).health().at(0);
  EXPECT_EQ(worst.name, "brokers") << "one is left";
  EXPECT_THAT(Operator(broker).health().at(1).value, HasSubstr("short of replicas"));
  second.start();
  EXPECT_TRUE(eventually([&] {
    try {
      return broker.open(GANDER_ROLE_PRODUCE).enqueue({message(2)}).at(0) == GANDER_OK;
    } catch (const Failure&) {
      return false;  // the second is behind still
    }
  }));
  Session consumer = consumer_on(broker, "w");
  std::set<std::uint64_t> came;
  EXPECT_TRUE(eventually([&] {
    for (const std::uint64_t n : consumer.take(10).numbers()) came.insert(n);
    return came == std::set<std::uint64_t>{1, 2};
  }));
}

TEST(KafkaRefusals, FrontIsNotOnOfferAndSaysSoAtTheCall) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Message m = message(1);
  m.m.flags = GANDER_MESSAGE_FRONT;
  EXPECT_EQ(producer.enqueue({m}), std::vector<gander_status>{GANDER_UNSUPPORTED});
}

TEST(KafkaRefusals, AWrongPasswordIsUnauthenticatedAndNotShown) {
  KafkaNode node("ada:right");
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  FakeHost host;
  const std::map<std::string, std::string> plain{{"sasl_mechanism", "plain"}};
  const gander_error e = error_of([&] {
    broker_on(host, node.url("ada:5ecret"), "x", plain).open(GANDER_ROLE_PRODUCE, "", Call(3s));
  });
  EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
  EXPECT_THAT(e.message, HasSubstr("'password'"));
  EXPECT_THAT(e.message, Not(HasSubstr("5ecret")));
  Broker broker = broker_on(host, node.url("ada:right"), "x", plain);
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  EXPECT_EQ(producer.enqueue({message(1)}), std::vector<gander_status>{GANDER_OK});
}

}  // namespace
}  // namespace gander::test
