// A line that fails between workers and the cluster: commits that come too late, and promotions
// whose end is not known. Nothing is lost, and nothing is ready twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "../support/operator.h"
#include "cluster.h"
#include "kafka_node.h"
#include "proxy.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;

// Every case shares a node, with a proxy to it.
class KafkaNetwork : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    KafkaNode::Doors doors;
    doors.way = true;
    node_ = std::make_unique<KafkaNode>(doors);
    if (!node_->there()) return;
    proxy_ = std::make_unique<Proxy>(node_->way().listener, node_->way().proxy);
  }
  static void TearDownTestSuite() {
    proxy_.reset();
    node_.reset();
  }
  void SetUp() override {
    if (!node_->there()) GTEST_SKIP() << server_absence("kafka");
    cluster_.emplace(node_->url());
  }
  void TearDown() override {
    if (proxy_) proxy_->heal();
  }
  Broker direct(const std::map<std::string, std::string>& options = {}) {
    return broker_on(host_, node_->url(), cluster_->prefix(), options);
  }
  Broker by_proxy(const std::map<std::string, std::string>& options = {}) {
    return broker_on(host_, with_port(node_->url(), node_->way().proxy), cluster_->prefix(),
                     options);
  }
  static KafkaNode& node() { return *node_; }
  static Proxy& proxy() { return *proxy_; }

  FakeHost host_;
  std::optional<Cluster> cluster_;

 private:
  static inline std::unique_ptr<KafkaNode> node_;
  static inline std::unique_ptr<Proxy> proxy_;
};

// It is silent for longer than its lease, as one that is stopped; its acks and what it says of the
// rest reach the group when another has its partition.
TEST_F(KafkaNetwork, ACommitAfterTheLeaseIsRefusedAndItsWorkerGoesOnAsANewMember) {
  constexpr std::uint64_t kJobs = 10;
  const std::string topic = cluster_->prefix() + ".q.default.1";
  const std::map<std::string, std::string> short_lease{{"lease_ms", "2000"}};
  Broker slow = by_proxy(short_lease), other = direct(short_lease);
  std::vector<Message> jobs;
  for (std::uint64_t n = 1; n <= kJobs; ++n) jobs.push_back(message(n));
  other.open(GANDER_ROLE_PRODUCE).enqueue(jobs);
  Session first = consumer_on(slow, "first");
  const auto before = cluster_->committed(topic);
  std::vector<Taken> keep;
  const auto held = take_until(first, kJobs, keep);
  ASSERT_EQ(held.size(), kJobs);
  ASSERT_TRUE(eventually([&] { return cluster_->committed(topic) != before; }));
  proxy().swallow();
  for (std::size_t i = 0; i < kJobs / 2; ++i)
    EXPECT_EQ(first.settle(GANDER_SETTLE_ACK, held[i]), GANDER_OK) << "in its memory";
  Session second = consumer_on(other, "second");
  std::map<std::uint64_t, int> came;
  for (const gander_message& m : take_until(second, kJobs, keep)) {
    ++came[number_of(m.id)];
    EXPECT_EQ(m.crashes, 1U);
    EXPECT_EQ(second.settle(GANDER_SETTLE_ACK, m), GANDER_OK);
  }
  EXPECT_EQ(came.size(), kJobs) << "also what was acked and not committed";
  const auto done = cluster_->committed(topic);
  proxy().heal();
  ASSERT_TRUE(
      eventually([&] { return cluster_->group() == std::pair<std::string, int>("Stable", 2); }));
  gander_message late = held.back();
  late.run_at_us = host_.now_us + 60'000'000;
  ASSERT_TRUE(eventually([&] {
    try {
      const gander_status is = first.settle(GANDER_SETTLE_RETRY, late);
      EXPECT_NE(is, GANDER_OK);
      return is == GANDER_LEASE_LOST;
    } catch (const Failure&) {
      return false;  // it has not heard yet whose it is
    }
  }));
  EXPECT_EQ(Operator(other).list(GANDER_STATE_RETRY), Numbers{});
  EXPECT_GE(cluster_->committed(topic).first, done.first) << "what came late was taken";
  EXPECT_EQ(first.take(10).size() + second.take(10).size(), 0U);
  second.close();
  other.open(GANDER_ROLE_PRODUCE).enqueue({message(100)});
  const auto more = take_until(first, 1, keep);
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(number_of(more[0].id), 100U);
  EXPECT_EQ(first.settle(GANDER_SETTLE_ACK, more[0]), GANDER_OK);
}

// It was the only one of the group, so that an operator settles for nobody; and what it knows of
// its partition is older.
TEST_F(KafkaNetwork, WhatWasRemovedWhileItsWorkerWasCutOffDoesNotRunWhenThatIsBack) {
  Broker slow = by_proxy({{"lease_ms", "2000"}}), desk = direct();
  desk.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3), message(4)});
  Session consumer = consumer_on(slow, "w");
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 1, keep);
  ASSERT_EQ(held.size(), 1U);
  ASSERT_EQ(number_of(held[0].id), 1U);
  proxy().swallow();
  ASSERT_TRUE(eventually([&] { return cluster_->group().second == 0; }));
  Operator op(desk);
  EXPECT_EQ(op.remove({2}), Statuses{GANDER_OK});
  EXPECT_EQ(op.move({3}, {GANDER_STATE_READY, "other"}), Statuses{GANDER_OK});
  proxy().heal();
  std::set<std::uint64_t> came;
  for (const gander_message& m : take_until(consumer, 2, keep)) came.insert(number_of(m.id));
  EXPECT_EQ(came, (std::set<std::uint64_t>{1, 4})) << "what it ran is given back with the rest";
  EXPECT_EQ(consumer.take(10).size(), 0U);
}

// It is asked for, and then the line fails: the worker may do it yet. That one hangs, so that it
// does not answer before.
TEST_F(KafkaNetwork, ARemovalThatIsAskedForAndNotAnsweredMayHaveBeenDone) {
  const std::string requests = cluster_->prefix() + ".state";
  Broker desk = by_proxy();
  desk.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Operator op(desk);
  op.pause(false);  // its topic is there by then,
  op.queues();      // and the group's coordinator
  const Straggler deaf(*cluster_, cluster_->prefix() + ".q.default.1");
  const std::int64_t before = cluster_->written(requests);
  auto asks = std::async(std::launch::async, [&] {
    return error_of([&] { op.move({1}, {GANDER_STATE_DEAD}, Call(5s)); });
  });
  EXPECT_TRUE(eventually([&] { return cluster_->written(requests) >= before + 2; }))
      << "the request, and the end of its transaction";
  proxy().swallow();
  const gander_error e = asks.get();
  EXPECT_EQ(e.code, GANDER_TIMEOUT);
  EXPECT_NE(e.flags & GANDER_ERROR_RETRYABLE, 0U);
  EXPECT_NE(e.flags & GANDER_ERROR_MAYBE_APPLIED, 0U) << e.message;
  EXPECT_THAT(e.message, testing::HasSubstr("1 of 1 removals were not answered"));
}

class KafkaPromotion : public KafkaNetwork {
 protected:
  static constexpr std::uint64_t kAtOnce = 250;

  void SetUp() override {
    KafkaNetwork::SetUp();
    if (IsSkipped()) return;
    worker_.emplace(by_proxy({{"partitions", "2"}}));
    desk_.emplace(direct({{"partitions", "2"}}));
    producer_.emplace(desk_->open(GANDER_ROLE_PRODUCE));
    consumer_.emplace(consumer_on(*worker_, "w"));
    tender_.emplace(worker_->open(GANDER_ROLE_TEND, "w"));
  }
  void schedule_and_let_fall_due() {
    std::vector<Message> later;
    for (std::uint64_t n = 0; n < kAtOnce; ++n) {
      later.push_back(message(++scheduled_));
      later.back().m.run_at_us = host_.now_us + 1'000'000;
    }
    producer_->enqueue(std::move(later));
    host_.now_us += 1'000'001;
  }
  // How it ended that was met by a fault.
  enum class End { before_it, refused, in_doubt };
  // What fails of it is told in the log alone.
  End end_of(Session& tender) {
    const std::size_t before = host_.warnings_of("promoting: ").size();
    if (tender.tend(Call(1s)).promoted > 0) return End::before_it;
    const auto said = host_.warnings_of("promoting: ");
    const bool doubt =
        said.size() > before && said.back().find("committing a transaction") != std::string::npos;
    return doubt ? End::in_doubt : End::refused;
  }
  // Until all that is due, as far as the worker knows, has been made ready.
  void await_line() {
    EXPECT_TRUE(eventually([&] {
      try {
        const gander_tend_res done = tender_->tend();
        return done.promoted == 0 && done.again_in_us == 0;
      } catch (const Failure&) {
        return false;  // away still
      }
    }));
  }
  void expect_each_ready_once() {
    Operator op(*desk_);
    // A worker that has lost its partitions knows of nothing that is due until it has them again.
    EXPECT_TRUE(eventually([&] {
      await_line();
      return op.list(GANDER_STATE_SCHEDULED).empty();
    }));
    Numbers ready;
    EXPECT_TRUE(eventually([&] {
      ready = op.page(GANDER_STATE_READY, "default", 100'000).numbers;
      return ready.size() >= scheduled_;
    }));
    EXPECT_EQ(std::set(ready.begin(), ready.end()).size(), scheduled_) << "one was lost";
    EXPECT_EQ(ready.size(), scheduled_) << "one is there twice";
  }

  std::optional<Broker> worker_, desk_;
  std::optional<Session> producer_, consumer_, tender_;
  std::uint64_t scheduled_ = 0;
};

// The line is so slow that it is known what a fault meets: of what is written the server has the
// first when its log grows; its answer, two questions of offsets, and the end of the transaction
// follow, each there and back. Of an end that was not answered nobody knows whether it came to
// pass.
TEST_F(KafkaPromotion, WhatIsPromotedWhenTheLineFailsIsReadyOnce) {
  constexpr auto kOneWay = 30ms;
  schedule_and_let_fall_due();
  await_line();  // and the first transaction, which takes longer
  const auto end_when_it_fails = [&](std::chrono::milliseconds after_it_grew) {
    const std::string topic = cluster_->prefix() + ".q.default.1";
    schedule_and_let_fall_due();
    const std::int64_t before = cluster_->written(topic);
    proxy().delay(kOneWay);
    auto end = std::async(std::launch::async, [&] { return end_of(*tender_); });
    EXPECT_TRUE(eventually([&] { return cluster_->written(topic) > before; }));
    std::this_thread::sleep_for(after_it_grew);
    proxy().swallow();
    const End is = end.get();
    proxy().heal();
    await_line();
    return is;
  };
  EXPECT_EQ(end_when_it_fails(0ms), End::refused);
  End is = End::refused;
  auto after = kOneWay * 11 / 2;
  for (int round = 0; round < 8 && is != End::in_doubt; ++round) {
    is = end_when_it_fails(after);
    after += is == End::refused ? kOneWay / 2 : -kOneWay / 2;
  }
  EXPECT_EQ(is, End::in_doubt) << "no fault met the end of one, last after " << after / 1ms;
  expect_each_ready_once();
}

TEST_F(KafkaPromotion, WhatIsPromotedWhenTheServerDiesIsReadyOnce) {
  for (int i = 0; i < 8; ++i) schedule_and_let_fall_due();
  auto end = std::async(std::launch::async, [&] { return end_of(*tender_); });
  std::this_thread::sleep_for(20ms);  // it is in the midst of 2,000
  node().kill();
  end.get();
  node().start();
  expect_each_ready_once();
}

}  // namespace
}  // namespace gander::test
