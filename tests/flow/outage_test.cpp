// The broker is away for a while: another process holds the database locked. Nothing is lost,
// nothing ends.
#include <sqlite3.h>

#include <atomic>

#include "support.h"

namespace {

using namespace std::chrono_literals;

std::atomic<int> ran{0};
void count_one(int) { ++ran; }
void throw_an_int(int) {
  ++ran;
  throw 7;
}
constexpr gander::Job<"outage.count", count_one> kCount;
constexpr gander::Job<"outage.throw", throw_an_int> kThrow;

// An exclusive transaction, as a backup or a careless shell holds one.
class Lock {
 public:
  explicit Lock(const std::string& file) {
    EXPECT_EQ(sqlite3_open(file.c_str(), &db_), SQLITE_OK);
    sqlite3_busy_timeout(db_, 30'000);
    EXPECT_EQ(sqlite3_exec(db_, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~Lock() {
    sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(db_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  sqlite3* db_ = nullptr;
};

class Outage : public Flow {
 protected:
  void SetUp() override {
    Flow::SetUp();
    ran = 0;
  }
  [[nodiscard]] std::string file() const { return folder_ + "/jobs.db"; }
};

TEST_F(Outage, AnEnqueueFailsWithinItsDeadlineWithATypedErrorAndThenGoesOn) {
  const gander::Client client(broker());
  client.enqueue(kCount, 1);
  {
    const Lock lock(file());
    try {
      client.within(300ms).enqueue(kCount, 2);
      FAIL();
    } catch (const gander::Error& e) {
      EXPECT_TRUE(e.code() == gander::Code::unavailable || e.code() == gander::Code::timeout)
          << e.what();
    }
  }
  client.enqueue(kCount, 3);
  EXPECT_EQ(count(gander::State::ready), 2);
}

// Goose: heartbeat, scheduler and orphan loops catch outside the loop, so that one error of the
// broker ends them for the life of the worker.
TEST_F(Outage, GooseDefect1LoopsOutliveErrorsOfTheBroker) {
  const gander::Broker b = broker();
  const gander::Client client(b);
  gander::Worker worker(b);
  worker.handle(kCount).start();
  ASSERT_TRUE(worker.wait_idle(30s));
  {
    const Lock lock(file());
    std::this_thread::sleep_for(
        7s);  // longer than the keeper's rhythm and its budget: each loop meets the error
  }
  client.enqueue(kCount, 1);  // the doorbell and the pump
  EXPECT_TRUE(eventually([] { return ran == 1; }));
  client.in(100ms).enqueue(kCount, 2);  // what is due
  EXPECT_TRUE(eventually([] { return ran == 2; }));
  EXPECT_TRUE(worker.ready());
}

TEST_F(Outage, WhatWasDoneMeanwhileIsSettledAfterwardsAndRunsOnce) {
  const gander::Broker b = broker();
  const gander::Client client(b);
  static std::atomic<bool> go;
  static std::atomic<int> inside;
  go = false;
  inside = 0;
  gander::Worker worker(b);
  worker.add("outage.slow", 1, [](gander::Context&, const gander::Reader&) {
    ++inside;
    while (!go) std::this_thread::sleep_for(1ms);
    ++ran;
  });
  client.enqueue_json("outage.slow", "[]");
  worker.start();
  ASSERT_TRUE(eventually([] { return inside == 1; }));
  {
    const Lock lock(file());
    go = true;
    ASSERT_TRUE(eventually([] { return ran == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return gander::Admin(b).queues().empty(); }));
  EXPECT_EQ(ran, 1);
}

// Goose: catches Exception and not Throwable, so that an Error ends the consumer's thread and
// leaves its job in progress.
TEST_F(Outage, GooseDefect6AForeignExceptionEndsNoThread) {
  const gander::Broker b = broker();
  const gander::Client client(b);
  gander::WorkerOptions options;
  options.threads = 1;
  gander::Worker worker(b, options);
  worker.handle(kThrow).handle(kCount).start();
  client.enqueue(kThrow, 1);
  client.enqueue(kCount, 1);
  EXPECT_TRUE(eventually([] { return ran == 2; }));
  EXPECT_TRUE(eventually([&] { return count(gander::State::retry) == 1; }));
}

TEST_F(Outage, StoppingWhileTheBrokerIsAwayEnds) {
  const gander::Broker b = broker();
  static std::atomic<bool> go;
  static std::atomic<int> inside;
  go = false;
  inside = 0;
  gander::Worker worker(b);
  worker.add("outage.unsettled", 1, [](gander::Context&, const gander::Reader&) {
    ++inside;
    while (!go) std::this_thread::sleep_for(1ms);
  });
  gander::Client(b).enqueue_json("outage.unsettled", "[]");
  worker.start();
  ASSERT_TRUE(eventually([] { return inside == 1; }));
  {
    const Lock lock(file());
    go = true;
    EXPECT_TRUE(worker.stop(
        100ms));  // its handler returned; that nothing could be settled is another matter
  }
  gander::Worker next(b);
  next.add("outage.unsettled", 1, [](gander::Context&, const gander::Reader&) { ++ran; }).start();
  EXPECT_TRUE(eventually([] { return ran == 1; }));  // what was not settled runs again
}

TEST_F(Outage, ARunsDeadlineIsKeptWhileTheBrokerIsAway) {
  const gander::Broker b = broker();
  static std::atomic<int> inside;
  inside = 0;
  gander::Worker worker(b);
  worker.add("outage.deadline", 1, [](gander::Context& context, const gander::Reader&) {
    ++inside;
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    ++ran;
  });
  gander::Client(b).timeout(300ms).enqueue_json("outage.deadline", "[]");
  worker.start();
  ASSERT_TRUE(eventually([] { return inside == 1; }));
  const Lock lock(file());
  EXPECT_TRUE(eventually([] { return ran == 1; }));
}

}  // namespace
