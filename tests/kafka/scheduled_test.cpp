// What an operator does to messages that are to come, while a worker in another process makes ready
// what falls due.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "../support/operator.h"
#include "cluster.h"

namespace gander::test {
namespace {

constexpr std::int64_t kMinute = 60'000'000;

// Does something beside the next look at the clock.
struct Interrupted : FakeHost {
  Interrupted() {
    table.now_us = [](const gander_host* h) noexcept {
      auto& self = *static_cast<Interrupted*>(static_cast<FakeHost*>(h->host_data));
      if (const auto now = std::exchange(self.meanwhile, nullptr)) now();
      return self.now_us.load();
    };
  }
  std::function<void()> meanwhile;
};

class KafkaScheduled : public testing::Test {
 protected:
  void SetUp() override {
    GANDER_REQUIRE_SERVER(url, "kafka");
    url_ = url;
    cluster_.emplace(url);
    // So narrow that what is large cannot be buried.
    cluster_->create(cluster_->prefix() + ".dead",
                     {{"cleanup.policy", "compact"}, {"max.message.bytes", "2000"}});
    desk_.emplace(broker_on(desk_host_, url, cluster_->prefix(), {{"partitions", "2"}}));
    worker_.emplace(broker_on(host_, url, cluster_->prefix(), {{"partitions", "2"}}));
    op_.emplace(*desk_);
  }
  void start_worker() {
    consumer_.emplace(consumer_on(*worker_, "w"));
    tender_.emplace(worker_->open(GANDER_ROLE_TEND, "w"));
    tender_->tend();  // by then it has read what is to come
  }
  void stop_worker() {
    tender_.reset();
    consumer_.reset();
    worker_.reset();
  }
  void schedule(const Numbers& numbers, std::int64_t in, const std::string& queue = "default",
                std::size_t bytes = 0) {
    std::vector<Message> later;
    for (const std::uint64_t n : numbers) {
      later.push_back(message(n, queue));
      if (bytes != 0) later.back().body.assign(bytes, 'x');
      later.back().m.run_at_us = host_.now_us + in;
    }
    for (const gander_status one : desk_->open(GANDER_ROLE_PRODUCE).enqueue(std::move(later)))
      ASSERT_EQ(one, GANDER_OK);
  }
  void pass(std::int64_t time) {
    host_.now_us += time;
    desk_host_.now_us += time;
  }
  // What falls due now is to come again, in a minute; by the time so many have come.
  void run_and_retry(std::size_t n) {
    std::size_t came = 0;
    EXPECT_TRUE(eventually([&] {
      tender_->tend();
      const Taken taken = consumer_->take(10);
      for (std::size_t i = 0; i < taken.size(); ++i, ++came) {
        gander_message m = taken[i];
        m.run_at_us = host_.now_us + kMinute;
        EXPECT_EQ(consumer_->settle(GANDER_SETTLE_RETRY, m), GANDER_OK);
      }
      return came >= n;
    }));
  }
  // How often each has come by the time so many have.
  std::map<std::uint64_t, int> come(std::size_t n) {
    std::map<std::uint64_t, int> all;
    std::size_t came = 0;
    EXPECT_TRUE(eventually([&] {
      tender_->tend();
      for (const char* queue : {"default", "other"}) {
        const Taken taken = consumer_->take(10, queue);
        for (std::size_t i = 0; i < taken.size(); ++i, ++came) {
          ++all[number_of(taken[i].id)];
          EXPECT_EQ(consumer_->settle(GANDER_SETTLE_ACK, taken[i]), GANDER_OK);
        }
      }
      return came >= n;
    }));
    return all;
  }
  bool nothing_comes() {
    tender_->tend();
    return consumer_->take(10).size() + consumer_->take(10, "other").size() == 0;
  }
  using Times = std::map<std::uint64_t, int>;

  Interrupted desk_host_;
  FakeHost host_;
  std::string url_;
  std::optional<Cluster> cluster_;
  std::optional<Broker> desk_, worker_;
  std::optional<Operator> op_;
  std::optional<Session> consumer_, tender_;
};

TEST_F(KafkaScheduled, WhatIsRemovedNeverRunsAndTheRestRunsOnceAtItsTime) {
  schedule({1, 2, 3, 4, 5, 6, 7}, 2 * kMinute);
  schedule({11, 12, 13}, 2 * kMinute, "other");
  start_worker();
  EXPECT_EQ(op_->remove({1, 2, 99}), (Statuses{GANDER_OK, GANDER_OK, GANDER_NOT_FOUND}));
  EXPECT_EQ(op_->remove({1}), Statuses{GANDER_NOT_FOUND});
  EXPECT_EQ(op_->purge(GANDER_STATE_SCHEDULED, "other"), 3U);
  EXPECT_EQ(op_->move({3}, {GANDER_STATE_READY}), Statuses{GANDER_OK});
  EXPECT_EQ(op_->move({4}, {GANDER_STATE_SCHEDULED, "", 0, host_.now_us + kMinute}),
            Statuses{GANDER_OK});
  EXPECT_EQ(op_->move({5}, {GANDER_STATE_DEAD}), Statuses{GANDER_OK});
  EXPECT_EQ(come(1), (Times{{3, 1}})) << "at once";
  EXPECT_TRUE(nothing_comes());
  pass(kMinute + 1);
  EXPECT_EQ(come(1), (Times{{4, 1}}));
  pass(kMinute);
  EXPECT_EQ(come(2), (Times{{6, 1}, {7, 1}}));
  EXPECT_TRUE(nothing_comes());
  EXPECT_EQ(op_->list(GANDER_STATE_DEAD), Numbers{5});
  EXPECT_EQ(op_->list(GANDER_STATE_SCHEDULED), Numbers{});
}

// It slept until somebody asked, a second later; or, where nothing had been known, until it tended.
TEST_F(KafkaScheduled, AnIdleWorkerIsWokenByWhatFallsDueSooner) {
  start_worker();
  EXPECT_EQ(consumer_->take(1).next_due_us(), 0);
  Session waiter = worker_->open(GANDER_ROLE_WAIT);
  schedule({1}, 2 * kMinute);
  EXPECT_EQ(waiter.wait(std::chrono::seconds(20)), GANDER_OK);
  EXPECT_EQ(consumer_->take(1).next_due_us(), host_.now_us + 2 * kMinute);
  schedule({2}, kMinute);
  EXPECT_EQ(waiter.wait(std::chrono::seconds(20)), GANDER_OK);
  EXPECT_EQ(consumer_->take(1).next_due_us(), host_.now_us + kMinute);
  schedule({3}, 3 * kMinute);
  EXPECT_EQ(waiter.wait(std::chrono::milliseconds(300)), GANDER_TIMEOUT) << "not sooner";
}

TEST_F(KafkaScheduled, WithNoWorkerThereItIsRemovedAndMovedAllTheSame) {
  schedule({1, 2, 3}, kMinute);
  EXPECT_EQ(op_->remove({1}), Statuses{GANDER_OK});
  EXPECT_EQ(op_->move({2}, {GANDER_STATE_READY}), Statuses{GANDER_OK});
  start_worker();
  EXPECT_EQ(come(1), (Times{{2, 1}}));
  pass(kMinute + 1);
  EXPECT_EQ(come(1), (Times{{3, 1}}));
  EXPECT_TRUE(nothing_comes());
}

// The operator has read that it is to come, and before he writes, its worker makes it ready.
TEST_F(KafkaScheduled, WhatFallsDueWhileItIsMovedRunsOnce) {
  schedule({1, 2}, kMinute);
  start_worker();
  pass(kMinute + 1);
  desk_host_.meanwhile = [&] { EXPECT_EQ(tender_->tend().promoted, 2U); };
  EXPECT_EQ(op_->move({1}, {GANDER_STATE_READY}), Statuses{GANDER_OK});
  EXPECT_FALSE(desk_host_.meanwhile) << "nothing came in between";
  EXPECT_EQ(come(2), (Times{{1, 1}, {2, 1}}));
  EXPECT_TRUE(nothing_comes());
}

// And goes, so that the operator finds nobody to ask.
TEST_F(KafkaScheduled, WhatFallsDueBeforeItsWorkerGoesIsMovedFromWhereItIs) {
  schedule({1, 2}, kMinute);
  start_worker();
  pass(kMinute + 1);
  desk_host_.meanwhile = [&] {
    EXPECT_EQ(tender_->tend().promoted, 2U);
    stop_worker();
  };
  EXPECT_EQ(op_->move({1}, {GANDER_STATE_READY}), Statuses{GANDER_OK});
  EXPECT_FALSE(desk_host_.meanwhile) << "nothing came in between";
  worker_.emplace(broker_on(host_, url_, cluster_->prefix(), {{"partitions", "2"}}));
  start_worker();
  EXPECT_EQ(come(2), (Times{{1, 1}, {2, 1}}));
  EXPECT_TRUE(nothing_comes());
}

// What a worker could not write does not keep it from what comes after.
TEST_F(KafkaScheduled, AfterOneThatCannotBeMovedOthersAreRemoved) {
  schedule({1}, kMinute, "default", 5000);
  schedule({2, 3, 4, 5}, kMinute);
  start_worker();
  const gander_error e =
      error_of([&] { op_->move({1}, {GANDER_STATE_DEAD}, Call(std::chrono::seconds(3))); });
  EXPECT_EQ(e.code, GANDER_TIMEOUT) << e.message;
  EXPECT_EQ(op_->remove({2, 3, 4, 5}), (Statuses{GANDER_OK, GANDER_OK, GANDER_OK, GANDER_OK}));
  EXPECT_EQ(op_->list(GANDER_STATE_SCHEDULED), Numbers{1});
}

TEST_F(KafkaScheduled, WhatFallsDueWhileItIsBuriedIsInOnePlace) {
  schedule({1}, kMinute);
  start_worker();
  pass(kMinute + 1);
  desk_host_.meanwhile = [&] { EXPECT_EQ(come(1), (Times{{1, 1}})); };
  EXPECT_EQ(op_->move({1}, {GANDER_STATE_DEAD}), Statuses{GANDER_NOT_FOUND}) << "it has run";
  EXPECT_FALSE(desk_host_.meanwhile) << "nothing came in between";
  EXPECT_EQ(op_->list(GANDER_STATE_DEAD), Numbers{});
}

// What the operator has read is a record of before; what he would make of it would undo the retry.
TEST_F(KafkaScheduled, WhatIsRetriedWhileItIsBuriedIsStillToCome) {
  schedule({1}, kMinute);
  start_worker();
  pass(kMinute + 1);
  desk_host_.meanwhile = [&] {
    run_and_retry(1);
    tender_->tend();
  };
  EXPECT_EQ(op_->move({1}, {GANDER_STATE_DEAD}), Statuses{GANDER_NOT_FOUND});
  EXPECT_FALSE(desk_host_.meanwhile) << "nothing came in between";
  EXPECT_EQ(op_->list(GANDER_STATE_RETRY), Numbers{1});
  EXPECT_EQ(op_->list(GANDER_STATE_DEAD), Numbers{});
}

// By its key a message comes to lie in another partition then, beside its tombstone in the old one,
// and who reads the topic anew reads the two in any order.
TEST_F(KafkaScheduled, WhenItsTopicHasGrownNothingOfItIsLost) {
  Numbers all;
  for (std::uint64_t n = 1; n <= 30; ++n) all.push_back(n);
  schedule(all, kMinute);
  cluster_->grow(cluster_->prefix() + ".sched", 3);
  start_worker();
  pass(kMinute + 1);
  run_and_retry(all.size());
  EXPECT_EQ(op_->list(GANDER_STATE_RETRY), all);
  consumer_->close();
  tender_->close();
  worker_.emplace(broker_on(host_, url_, cluster_->prefix()));
  start_worker();
  pass(kMinute + 1);
  const Times came = come(all.size());
  EXPECT_EQ(came.size(), all.size());
  EXPECT_TRUE(nothing_comes());
}

}  // namespace
}  // namespace gander::test
