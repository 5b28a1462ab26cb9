// A pause, by an operator in another process than the workers: from when it has returned nothing is
// taken (GBC-806).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "../support/operator.h"
#include "cluster.h"

namespace gander::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class KafkaPause : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_SERVER(url, "kafka");
    cluster_.emplace(url);
    desk_.emplace(broker_on(host_, url, cluster_->prefix(), {{"partitions", "2"}}));
    op_.emplace(*desk_);
    url_ = url;
  }
  Broker worker() { return broker_on(host_, url_, cluster_->prefix(), {{"partitions", "2"}}); }
  void enqueue(std::uint64_t first, std::uint64_t last) {
    std::vector<Message> all;
    for (std::uint64_t n = first; n <= last; ++n) all.push_back(message(n));
    desk_->open(GANDER_ROLE_PRODUCE).enqueue(std::move(all));
  }

  FakeHost host_;
  std::string url_;
  std::optional<Cluster> cluster_;
  std::optional<Broker> desk_;
  std::optional<Operator> op_;
};

// The workers have more than enough in their memory, and are asked at once.
TEST_F(KafkaPause, NothingIsTakenByAnyWorkerOnceItHasReturned) {
  enqueue(1, 2000);
  Broker first = worker(), second = worker();
  Session one = consumer_on(first, "one"), other = consumer_on(second, "other");
  for (int round = 0; round < 10; ++round) {
    std::vector<Taken> keep;
    take_until(one, 1, keep);
    take_until(other, 1, keep);
    op_->pause(true);
    EXPECT_EQ(one.take(1).size(), 0U) << round;
    EXPECT_EQ(other.take(1).size(), 0U) << round;
    op_->pause(false);
  }
}

TEST_F(KafkaPause, WithNoWorkerThereItHoldsForTheFirstThatComes) {
  enqueue(1, 10);
  op_->pause(true);
  Broker late = worker();
  Session consumer = consumer_on(late, "late");
  EXPECT_EQ(consumer.take(1).size(), 0U);
  op_->pause(false);
  std::vector<Taken> keep;
  EXPECT_EQ(take_until(consumer, 10, keep).size(), 10U);
}

// As a worker that hangs: it is in the group, and does not read.
TEST_F(KafkaPause, AMemberThatDoesNotSayThatItKnowsIsToldAndTheQueueIsPaused) {
  enqueue(1, 1);
  std::optional<Straggler> deaf(std::in_place, *cluster_, cluster_->prefix() + ".q.default.1");
  const auto start = std::chrono::steady_clock::now();
  const gander_error e = error_of([&] { op_->pause(true, "default", Call(2s)); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
  EXPECT_EQ(e.code, GANDER_TIMEOUT);
  EXPECT_NE(e.flags & GANDER_ERROR_RETRYABLE, 0U);
  EXPECT_THAT(e.message, HasSubstr("'default' is paused, but 1 of the group's members"));
  EXPECT_EQ(op_->queues().at("default").paused, 1U);
  deaf.reset();
  ASSERT_TRUE(eventually([&] { return cluster_->group().second == 0; }));
  op_->pause(true);
}

}  // namespace
}  // namespace gander::test
