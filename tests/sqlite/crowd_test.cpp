// Many at once: threads that enqueue, processes that create, take, are killed.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <thread>

#include "child.h"
#include "plugin.h"

using namespace gander::test;

namespace {

using Numbers = std::vector<std::uint64_t>;

// Has the write lock of the file, as an operator's shell may.
class LockHolder {
 public:
  explicit LockHolder(const std::string& path) {
    sqlite3_open(path.c_str(), &db_);
    EXPECT_EQ(sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  LockHolder(const LockHolder&) = delete;
  LockHolder& operator=(const LockHolder&) = delete;
  ~LockHolder() { sqlite3_close(db_); }
  void release() { sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr); }

 private:
  sqlite3* db_ = nullptr;
};

class Crowd : public testing::Test {
 protected:
  Folder folder;
  std::string path = folder.file("jobs.db");
  FakeHost host;
};

TEST_F(Crowd, EnqueuesOfSixteenThreadsAreAllStoredOnceAndInOrder) {
  constexpr std::uint64_t kThreads = 16, kEach = 100;
  FileBroker broker(host, path);
  std::vector<Session> sessions;
  for (std::uint64_t t = 0; t < kThreads; ++t) sessions.push_back(broker.open(GANDER_ROLE_PRODUCE));
  std::atomic<int> stored{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (std::uint64_t i = 0; i < kEach; ++i)
          stored += sessions[t].enqueue({message(t * 1000 + i)}).at(0) == GANDER_OK ? 1 : 0;
      });
  }
  EXPECT_EQ(stored, kThreads * kEach);
  const Numbers taken = broker.open(GANDER_ROLE_CONSUME, "a").take(10'000).numbers();
  EXPECT_EQ(std::set<std::uint64_t>(taken.begin(), taken.end()).size(), kThreads * kEach);
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    Numbers own;
    std::copy_if(taken.begin(), taken.end(), std::back_inserter(own),
                 [t](std::uint64_t n) { return n / 1000 == t; });
    EXPECT_TRUE(std::is_sorted(own.begin(), own.end())) << "what one thread stored, in its order";
  }
}

TEST_F(Crowd, ConsumersNeverGetTheSameMessage) {
  FileBroker broker(host, path);
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  constexpr std::uint64_t kMessages = 4000;
  for (std::uint64_t n = 0; n < kMessages; n += 500) {
    std::vector<Message> batch;
    for (std::uint64_t i = 1; i <= 500; ++i) batch.push_back(message(n + i));
    producer.enqueue(batch);
  }
  std::vector<Numbers> got(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < got.size(); ++t)
      threads.emplace_back([&, t] {
        // An instance each, so that they meet in the file and not at one gate.
        FileBroker own(host, path);
        Session consumer = own.open(GANDER_ROLE_CONSUME, "c" + std::to_string(t));
        for (Taken taken = consumer.take(7); taken.size() > 0;) {
          const Numbers numbers = taken.numbers();
          got[t].insert(got[t].end(), numbers.begin(), numbers.end());
          std::vector<Settle> settles;
          for (std::size_t i = 0; i < taken.size(); ++i)
            settles.push_back({GANDER_SETTLE_ACK, taken[i]});
          std::vector<gander_status> verdicts;
          taken = consumer.exchange(settles, {"default"}, 7, &verdicts);
          EXPECT_EQ(std::count(verdicts.begin(), verdicts.end(), GANDER_OK),
                    static_cast<std::ptrdiff_t>(verdicts.size()));
        }
      });
  }
  Numbers all;
  for (const auto& each : got) all.insert(all.end(), each.begin(), each.end());
  std::sort(all.begin(), all.end());
  Numbers expected(kMessages);
  std::iota(expected.begin(), expected.end(), 1U);
  EXPECT_EQ(all, expected);
}

TEST_F(Crowd, ManyProcessesCreateOneDatabase) {
  std::vector<Child> children;
  for (int i = 0; i < 8; ++i)
    children.emplace_back(
        std::vector<std::string>{"enqueue", path, std::to_string(i * 100 + 1), "10"});
  for (auto& child : children) {
    EXPECT_EQ(child.line(), "done");
    EXPECT_EQ(child.wait(), 0);
  }
  EXPECT_EQ(FileBroker(host, path).open(GANDER_ROLE_CONSUME, "a").take(1000).size(), 80U);
}

TEST_F(Crowd, WhatAKilledProducerWasToldIsStored) {
  std::uint64_t told = 0;
  for (int round = 0; round < 5; ++round) {
    const std::uint64_t first = told + 1000;
    Child child({"storm", path, std::to_string(first)});
    for (int i = 0; i < 20; ++i) told = std::stoull(child.line());
    child.kill9();
    for (std::string line = child.line(); !line.empty(); line = child.line())
      told = std::stoull(line);
    FileBroker broker(host, path);
    Session consumer = broker.open(GANDER_ROLE_CONSUME, "a:" + std::to_string(round));
    const Taken taken = consumer.take(10'000);
    Numbers numbers = taken.numbers();
    ASSERT_GE(numbers.size(), told - first + 1);
    EXPECT_LE(numbers.size(), told - first + 2) << "at most the one that was on its way";
    for (std::uint64_t n = first; n <= told; ++n) EXPECT_EQ(numbers[n - first], n);
    for (std::size_t i = 0; i < taken.size(); ++i)
      EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[i]), GANDER_OK);
  }
}

TEST_F(Crowd, ACallThatCannotHaveTheLockInItsTimeSaysSo) {
  FileBroker broker(host, path);
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  FileBroker patient(host, path, {{"busy_timeout_ms", "20"}});
  Session hasty = patient.open(GANDER_ROLE_PRODUCE);
  // Somebody holds the write lock: the sqlite3 shell of an operator, say.
  LockHolder holder(path);
  try {
    hasty.enqueue({message(1)});
    ADD_FAILURE() << "the lock is taken";
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.code, GANDER_UNAVAILABLE);
    EXPECT_TRUE(f.error.flags & GANDER_ERROR_RETRYABLE);
  }
  try {
    producer.enqueue({message(1)}, Call(std::chrono::milliseconds(20)));
    ADD_FAILURE() << "the lock is taken";
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.code, GANDER_TIMEOUT);
  }
  holder.release();
  EXPECT_EQ(producer.enqueue({message(1)}).at(0), GANDER_OK);
}

}  // namespace
