// A server that goes away and comes back: typed errors meanwhile, nothing lost, and on it goes.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "cluster.h"
#include "kafka_node.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;

TEST(KafkaOutage, AKilledServerLosesNothingThatWasConfirmed) {
  KafkaNode node;
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  FakeHost host;
  Broker broker = broker_on(host, node.url(), "outage");
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  std::set<std::uint64_t> confirmed, ran;
  for (std::uint64_t n = 1; n <= 50; ++n)
    if (producer.enqueue({message(n)}).at(0) == GANDER_OK) confirmed.insert(n);
  const auto before = take_until(consumer, 10, keep);
  node.kill();
  const auto start = std::chrono::steady_clock::now();
  const gander_error e = error_of([&] { producer.enqueue({message(51)}, Call(1s)); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s) << "it keeps its deadline";
  EXPECT_TRUE(e.code == GANDER_UNAVAILABLE || e.code == GANDER_TIMEOUT) << e.message;
  EXPECT_NE(e.flags & GANDER_ERROR_RETRYABLE, 0U);
  // What was in hand is settled in memory, and committed when the server is back.
  for (const gander_message& m : before)
    if (consumer.settle(GANDER_SETTLE_ACK, m) == GANDER_OK) ran.insert(number_of(m.id));
  node.start();
  EXPECT_TRUE(eventually([&] {
    Session again = broker.open(GANDER_ROLE_PRODUCE);
    return again.enqueue({message(52)}).at(0) == GANDER_OK;
  }));
  confirmed.insert(52);
  EXPECT_TRUE(eventually([&] {
    try {
      const Taken taken = consumer.take(100);
      for (std::size_t i = 0; i < taken.size(); ++i)
        if (consumer.settle(GANDER_SETTLE_ACK, taken[i]) == GANDER_OK)
          ran.insert(number_of(taken[i].id));
    } catch (const Failure&) {
      // away still
    }
    return std::ranges::includes(ran, confirmed);
  })) << ran.size();
}

// It lies in the queue again when the time is over, as if it had never gone out.
TEST(KafkaOutage, WhatWentOutAndWasNeverAnsweredMayBeStored) {
  KafkaNode node;
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  FakeHost host;
  Broker broker = broker_on(host, node.url(), "doubt", {{"properties", "socket.timeout.ms=1000"}});
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  ASSERT_EQ(producer.enqueue({message(1)}).at(0), GANDER_OK);
  node.freeze();
  const gander_error e = error_of([&] { producer.enqueue({message(2)}, Call(3s)); });
  EXPECT_NE(e.flags & GANDER_ERROR_MAYBE_APPLIED, 0U) << e.message;
}

// Of one queue a partition lies where nobody is; nobody else waits for it.
TEST(KafkaOutage, AQueueWithoutALeaderHoldsUpNoOtherAndSaysWhatItLacks) {
  KafkaNode node;
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  FakeHost host;
  Broker broker = broker_on(host, node.url(), "x");
  Session other = broker.open(GANDER_ROLE_PRODUCE);
  ASSERT_EQ(other.enqueue({message(1)}).at(0), GANDER_OK);
  KafkaNode second(&node);
  Broker wide = broker_on(host, node.url(), "y", {{"replication", "2"}});
  ASSERT_TRUE(eventually([&] {
    try {
      return wide.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).at(0) == GANDER_OK;
    } catch (const Failure&) {
      return false;  // the second has not joined yet
    }
  }));
  Cluster cluster(node.url());
  for (const std::string priority : {"0", "1", "2"})
    cluster.create("x.q.split." + priority, {{"retention.ms", "-1"}}, 2);  // one on each
  second.kill();
  gander_error e = blank_error();
  std::uint64_t n = 1;
  EXPECT_TRUE(eventually([&] {
    std::thread held([&] {
      try {
        broker.open(GANDER_ROLE_PRODUCE)
            .enqueue({message(2, "split"), message(3, "split")}, Call(1500ms));
      } catch (const Failure& failure) {
        e = failure.error;
      }
    });
    std::this_thread::sleep_for(200ms);
    gander_status own = GANDER_INTERNAL;
    try {
      own = other.enqueue({message(++n)}, Call(700ms)).at(0);
    } catch (const Failure& failure) {
      own = failure.error.code;
    }
    held.join();
    EXPECT_EQ(own, GANDER_OK);
    return e.code == GANDER_UNAVAILABLE &&
           std::string_view(e.message).find("has no leader") != std::string_view::npos;
  })) << e.message;
}

// All of it would run again if the worker died as well.
TEST(KafkaOutage, WhileNothingCanBeCommittedNoMoreIsBegun) {
  KafkaNode node;
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  constexpr std::uint64_t kJobs = 2000;
  FakeHost host;
  Broker broker = broker_on(host, node.url(), "late");
  std::vector<Message> jobs;
  for (std::uint64_t n = 1; n <= kJobs; ++n) jobs.push_back(message(n));
  broker.open(GANDER_ROLE_PRODUCE).enqueue(jobs);
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  std::vector<Settle> back;
  for (const gander_message& m : take_until(consumer, kJobs, keep))
    back.push_back({GANDER_SETTLE_GIVE_BACK, m});
  consumer.exchange(back, {}, 0);  // now all of them wait in this process
  std::map<std::uint64_t, int> ran;
  const auto run_one = [&] {
    try {
      const Taken taken = consumer.take(1);
      if (taken.size() == 0) return false;
      ++ran[number_of(taken[0].id)];
      return consumer.settle(GANDER_SETTLE_ACK, taken[0]) == GANDER_OK;
    } catch (const Failure&) {
      return false;  // away still
    }
  };
  node.kill();
  EXPECT_TRUE(eventually([&] { return !run_one(); }));
  EXPECT_LT(ran.size(), kJobs);
  node.start();
  EXPECT_TRUE(eventually([&] {
    while (run_one())
      ;
    return ran.size() == kJobs;
  })) << ran.size();
  for (const auto& [number, times] : ran) EXPECT_EQ(times, 1) << number;
}

TEST(KafkaOutage, WhatWasScheduledOutlivesTheServerAndComesOnce) {
  KafkaNode node;
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  FakeHost host;
  Broker broker = broker_on(host, node.url(), "later");
  std::vector<Message> jobs;
  for (std::uint64_t n = 1; n <= 200; ++n) {
    jobs.push_back(message(n));
    jobs.back().m.run_at_us = host.now_us + 60'000'000;
  }
  broker.open(GANDER_ROLE_PRODUCE).enqueue(jobs);
  node.kill();
  node.start();
  Session consumer = consumer_on(broker, "w");
  Session tender = broker.open(GANDER_ROLE_TEND, "w");
  EXPECT_TRUE(eventually([&] { return consumer.take(1).next_due_us() != 0; }));
  host.now_us += 60'000'001;
  std::multiset<std::uint64_t> came;
  EXPECT_TRUE(eventually([&] {
    try {
      tender.tend();
      const Taken taken = consumer.take(100);
      for (std::size_t i = 0; i < taken.size(); ++i) came.insert(number_of(taken[i].id));
    } catch (const Failure&) {
      // its transactions need the coordinator to be back
    }
    return came.size() >= 200;
  })) << came.size();
  EXPECT_EQ(std::set<std::uint64_t>(came.begin(), came.end()).size(), came.size())
      << "one came twice";
}

// Calls from before the server's port is open until so much is stored and has run.
class Callers {
 public:
  explicit Callers(Broker& broker) : broker_(broker) {}

  void produce(std::size_t most) {
    std::optional<Session> session;
    for (std::size_t stored = 0; stored < most;) {
      try {
        if (!session) session = broker_.open(GANDER_ROLE_PRODUCE, "", Call(300ms));
        const std::uint64_t n = ++serial_;
        if (session->enqueue({message(n)}, Call(300ms)).at(0) != GANDER_OK) continue;
        const std::lock_guard lock(mutex_);
        confirmed_.insert(n);
        ++stored;
      } catch (const Failure& failure) {
        meet(failure);
        if ((failure.error.flags & GANDER_ERROR_RECONNECT) != 0) session.reset();
      }
    }
    enough_ = true;
  }

  void consume(const std::string& incarnation) {
    std::optional<Session> session;
    EXPECT_TRUE(eventually([&] {
      try {
        if (!session) session = consumer_on(broker_, incarnation);
        const Taken taken = session->take(100);
        for (std::size_t i = 0; i < taken.size(); ++i)
          if (session->settle(GANDER_SETTLE_ACK, taken[i]) == GANDER_OK)
            ran_.insert(number_of(taken[i].id));
      } catch (const Failure& failure) {
        meet(failure);
      }
      const std::lock_guard lock(mutex_);
      return enough_ && std::ranges::includes(ran_, confirmed_);
    }));
    enough_ = false;
  }

  [[nodiscard]] const std::vector<gander_error>& errors() const { return errors_; }

 private:
  void meet(const Failure& failure) {
    const std::lock_guard lock(mutex_);
    errors_.push_back(failure.error);
  }

  Broker& broker_;
  std::mutex mutex_;
  std::vector<gander_error> errors_;
  std::set<std::uint64_t> confirmed_;
  std::uint64_t serial_ = 0;
  std::set<std::uint64_t> ran_;
  std::atomic<bool> enough_{false};
};

TEST(KafkaOutage, WhoCallsWhileTheServerStartsMayTryAgainAndLosesNothing) {
  KafkaNode::Doors closed;
  closed.start = false;
  KafkaNode node(closed);
  if (!node.there()) GTEST_SKIP() << server_absence("kafka");
  FakeHost host;
  Broker broker = broker_on(host, node.url(), "dawn", {{"connect_timeout_ms", "300"}});
  Callers callers(broker);
  for (const char* time : {"first", "second"}) {
    node.kill();
    std::thread producer([&] { callers.produce(20); });
    std::thread consumer([&] { callers.consume(time); });
    node.start();
    producer.join();
    consumer.join();
  }
  EXPECT_FALSE(callers.errors().empty()) << "nobody called while it started";
  for (const gander_error& e : callers.errors()) {
    EXPECT_TRUE(e.code == GANDER_UNAVAILABLE || e.code == GANDER_TIMEOUT) << e.message;
    EXPECT_NE(e.flags & GANDER_ERROR_RETRYABLE, 0U) << e.message;
  }
}

}  // namespace
}  // namespace gander::test
