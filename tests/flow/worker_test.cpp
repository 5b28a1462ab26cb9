// A worker over the real SQLite broker: what it does at its start, at work, and at its end.
#include <gander/log.h>

#include <atomic>
#include <mutex>
#include <set>

#include "support.h"

namespace {

using namespace std::chrono_literals;
using gander::State;
using gander::Worker;

std::atomic<int> done{0};
std::atomic<bool> gate{false};
std::atomic<int> inside{0};
std::mutex seen_mutex;
std::multiset<int> seen;

void count_one(int i) {
  const std::lock_guard lock(seen_mutex);
  seen.insert(i);
  ++done;
}
void wait_at_gate(int) {
  ++inside;
  while (!gate) std::this_thread::sleep_for(1ms);
  ++done;
}
void until_stopped(gander::Context& context) {
  ++inside;
  while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
  throw std::runtime_error("interrupted");
}
void never_returns(int) {
  ++inside;
  for (;;) std::this_thread::sleep_for(10ms);
}
constexpr gander::Job<"flow.count", count_one> kCount;
constexpr gander::Job<"flow.gate", wait_at_gate> kGate;
constexpr gander::Job<"flow.stoppable", until_stopped> kStoppable;
constexpr gander::Job<"flow.stuck", never_returns> kStuck;

class WorkerFlow : public Flow {
 protected:
  void SetUp() override {
    Flow::SetUp();
    done = inside = 0;
    gate = false;
    const std::lock_guard lock(seen_mutex);
    seen.clear();
  }
  static std::vector<int> numbers(int n) {
    std::vector<int> all(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) all[static_cast<std::size_t>(i)] = i;
    return all;
  }
};

TEST_F(WorkerFlow, RunsEachOfManyOnceOverSeveralThreads) {
  constexpr int kJobs = 5000;
  const gander::Broker b = broker();
  gander::Client(b).enqueue_all(kCount, numbers(kJobs));
  Worker worker(b);
  worker.handle(kCount).threads(4).start();
  ASSERT_TRUE(eventually([] { return done == kJobs; }));
  ASSERT_TRUE(worker.wait_idle(30s));
  EXPECT_TRUE(worker.ready());
  EXPECT_TRUE(worker.stop(10s));
  EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), static_cast<std::size_t>(kJobs));
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kJobs));
  EXPECT_TRUE(gander::Admin(b).queues().empty());
}

TEST_F(WorkerFlow, PicksUpWhatComesWhileItIsIdle) {
  const gander::Broker b = broker();
  Worker worker(b);
  worker.handle(kCount).start();
  ASSERT_TRUE(worker.wait_idle(30s));
  gander::Client(broker()).enqueue(kCount,
                                   1);  // a second instance: another process, as the plugin sees it
  EXPECT_TRUE(eventually([] { return done == 1; }));
}

TEST_F(WorkerFlow, AScheduledJobRunsAtItsTimeAndNotBefore) {
  const gander::Broker b = broker();
  Worker worker(b);
  worker.handle(kCount).start();
  const auto before = std::chrono::system_clock::now();
  gander::Client(b).in(300ms).enqueue(kCount, 1);
  ASSERT_TRUE(eventually([] { return done == 1; }));
  EXPECT_GE(std::chrono::system_clock::now() - before, 300ms);
}

TEST_F(WorkerFlow, StopWaitsForWhatRunsAndGivesBackWhatHasNotBegun) {
  const gander::Broker b = broker();
  gander::WorkerOptions options;
  options.threads = 2;
  options.prefetch = 5;
  gander::Client(b).enqueue_all(kGate, numbers(20));
  Worker worker(b, options);
  worker.handle(kGate).start();
  ASSERT_TRUE(eventually([] { return inside == 2; }));
  ASSERT_TRUE(
      eventually([&] { return count(State::leased) >= 3; }));  // some wait in the worker's hands
  std::jthread opener([] {
    std::this_thread::sleep_for(50ms);
    gate = true;
  });
  EXPECT_TRUE(worker.stop(20s));
  EXPECT_EQ(done, 2);
  EXPECT_EQ(count(State::leased), 0);
  EXPECT_EQ(count(State::ready), 18);
  for (const auto& m : gander::Admin(b).list(State::ready)) EXPECT_EQ(m.attempts + m.crashes, 0U);
}

TEST_F(WorkerFlow, GivenBackMessagesKeepTheirOrder) {
  const gander::Broker b = broker();
  gander::WorkerOptions options;
  options.threads = 1;
  options.prefetch = 5;
  gander::Client(b).enqueue(kGate, 0);
  gander::Client(b).enqueue_all(kCount, numbers(10));
  Worker worker(b, options);
  worker.handle(kGate).handle(kCount).start();
  ASSERT_TRUE(eventually([&] { return inside == 1 && count(State::leased) >= 4; }));
  gate = true;
  worker.stop(20s);
  std::vector<std::string> left;
  for (const auto& m : gander::Admin(b).list(State::ready)) left.push_back(m.args);
  EXPECT_TRUE(std::is_sorted(left.begin(), left.end())) << ::testing::PrintToString(left);
}

// Goose: an interrupt after the grace period is handled as a job's failure, and spends a retry.
TEST_F(WorkerFlow, GooseDefect7InterruptedByShutdownSpendsNoRetry) {
  const gander::Broker b = broker();
  gander::Client(b).enqueue(kStoppable);
  Worker worker(b);
  bool told = false;
  gander::RetryPolicy policy;
  policy.on_error = [&](const gander::Failure&) { told = true; };
  worker.handle(kStoppable, policy).start();
  ASSERT_TRUE(eventually([] { return inside == 1; }));
  EXPECT_TRUE(worker.stop(10ms));
  EXPECT_FALSE(told);
  const auto ready = gander::Admin(b).list(State::ready);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].attempts, 0U);
  EXPECT_EQ(ready[0].give_backs, 1U);
}

TEST_F(WorkerFlow, AHandlerThatBlocksPastTheDeadlineIsGivenBackAndLeft) {
  const gander::Broker b = broker();
  gander::Client(b).enqueue(kStuck, 1);
  auto worker = std::make_unique<Worker>(b);
  worker->handle(kStuck).start();
  ASSERT_TRUE(eventually([] { return inside == 1; }));
  EXPECT_FALSE(worker->stop(10ms));
  worker.reset();
  const auto ready = gander::Admin(b).list(State::ready);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].attempts, 0U);
}

TEST_F(WorkerFlow, ATimeoutOfARunSetsItsStopTokenAndCountsAsAFailure) {
  const gander::Broker b = broker();
  gander::Client(b).timeout(20ms).enqueue(kStoppable);
  Worker worker(b);
  worker.handle(kStoppable).start();
  ASSERT_TRUE(eventually([&] { return count(State::retry) == 1; }));
  EXPECT_EQ(gander::Admin(b).list(State::retry)[0].attempts, 1U);
}

TEST_F(WorkerFlow, QuietTakesNoMore) {
  const gander::Broker b = broker();
  Worker worker(b);
  worker.handle(kCount).start();
  ASSERT_TRUE(worker.wait_idle(30s));
  worker.quiet();
  gander::Client(b).enqueue(kCount, 1);
  EXPECT_TRUE(worker.stop(10s));
  EXPECT_EQ(done, 0);
  EXPECT_EQ(count(State::ready), 1);
}

TEST_F(WorkerFlow, ShowsWhatRunsAndHowFarItIs) {
  const gander::Broker b = broker();
  const gander::Id id = gander::Client(b).enqueue(kGate, 1);
  Worker worker(b);
  worker.handle(kGate).use([](gander::Context& context, const gander::Next& next) {
    context.progress(0.4, "half way");
    next();
  });
  worker.start();
  ASSERT_TRUE(eventually([] { return inside == 1; }));
  const auto running = worker.running();
  ASSERT_EQ(running.size(), 1U);
  EXPECT_EQ(running[0].id, id);
  EXPECT_EQ(running[0].job, "flow.gate");
  EXPECT_EQ(running[0].progress_text, "half way");
  gate = true;
}

TEST_F(WorkerFlow, MayBeAskedWhetherItIsReadyWhileItStarts) {
  Worker worker(broker());
  worker.handle(kCount);
  std::jthread asker([&worker] {
    while (!worker.ready()) EXPECT_TRUE(worker.running().empty());
  });
  worker.start();
}

TEST_F(WorkerFlow, ABrokerThatIsAwayAtTheStartIsWaitedFor) {
  const std::string missing = folder_ + "/later";
  const gander::Broker b("sqlite:" + missing + "/jobs.db", gander::Config{});
  Worker worker(b);
  worker.handle(kCount).start();
  EXPECT_FALSE(worker.ready());
  std::filesystem::create_directory(missing);
  gander::Client(b).enqueue(kCount, 1);
  EXPECT_TRUE(eventually([] { return done == 1; }));
}

TEST_F(WorkerFlow, SeveralQueuesAllGetTheirTurn) {
  const gander::Broker b = broker();
  const gander::Client client(b);
  client.on("a").enqueue_all(kCount, numbers(300));
  client.on("b").enqueue_all(kCount, numbers(300));
  Worker worker(b);
  worker.handle(kCount).on("a", 10).on("b", 1).start();
  EXPECT_TRUE(eventually([] { return done == 600; }));
}

// A stop callback that waits for what the run's own progress() holds must not stop the worker.
TEST_F(WorkerFlow, AStopCallbackMayTakeTheHandlersOwnLock) {
  const gander::Broker b = broker();
  static std::mutex own;
  Worker worker(b);
  worker.add("flow.callback", 1, [](gander::Context& context, const gander::Reader&) {
    const std::stop_callback callback(context.stop, [] { const std::lock_guard lock(own); });
    while (!context.stop.stop_requested()) {
      const std::lock_guard lock(own);
      context.progress(0.5);
    }
    ++done;
  });
  gander::Client(b).timeout(20ms).enqueue_json("flow.callback", "[]");
  worker.handle(kCount).start();
  ASSERT_TRUE(eventually([] { return done == 1; }));
  gander::Client(b).enqueue(kCount, 1);
  EXPECT_TRUE(eventually([] { return done == 2; }));
}

TEST_F(WorkerFlow, AQueueThatWasEmptyIsAskedAgainWhileAnotherIsBusy) {
  const gander::Broker b = broker();
  const gander::Client client(b);
  client.on("bulk").enqueue_all(kGate, numbers(50));
  gander::WorkerOptions options;
  options.threads = 1;
  Worker worker(b, options);
  worker.handle(kGate).handle(kCount).on("bulk", 1).on("express", 50).start();
  ASSERT_TRUE(eventually([] { return inside == 1; }));
  client.on("express").enqueue(kCount, 7);
  gate = true;
  ASSERT_TRUE(eventually([] {
    const std::lock_guard lock(seen_mutex);
    return seen.contains(7);
  }));
}

TEST_F(WorkerFlow, StopFromElsewhereEndsRun) {
  const gander::Broker b = broker();
  Worker worker(b);
  worker.handle(kCount);
  std::atomic<int> result{-1};
  std::jthread runner([&] { result = worker.run(); });
  gander::Client(b).enqueue(kCount, 1);
  ASSERT_TRUE(eventually([] { return done == 1; }));
  EXPECT_TRUE(worker.stop(10s));
  EXPECT_TRUE(eventually([&] { return result == 0; }));
}

TEST_F(WorkerFlow, WhatCannotWorkIsRefusedAtTheStart) {
  const gander::Broker b = broker();
  EXPECT_THROW(Worker(b).threads(0).start(), gander::Error);
  EXPECT_THROW(Worker(b).wait_idle(1s), gander::Error);
  gander::RetryPolicy policy;
  policy.queue = "a/b";
  Worker worker(b);
  EXPECT_THROW(worker.handle(kCount, policy), gander::Error);
}

}  // namespace
