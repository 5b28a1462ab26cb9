// Who waits is woken, in this process and in others, and no arrival falls between two waits.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "child.h"
#include "plugin.h"

using namespace gander::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

class Wake : public testing::Test {
 protected:
  Folder folder;
  std::string path = folder.file("jobs.db");
  FakeHost host;
  FileBroker broker{host, path};
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
};

std::int64_t monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

TEST_F(Wake, EndsInTimeWhenNothingComes) {
  Session waiter = broker.open(GANDER_ROLE_WAIT);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(waiter.wait(milliseconds(50)), GANDER_TIMEOUT);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(150));
}

TEST_F(Wake, LatchesWhatCameBetweenTwoWaits) {
  Session waiter = broker.open(GANDER_ROLE_WAIT);
  producer.enqueue({message(1)});
  EXPECT_EQ(waiter.wait(seconds(10)), GANDER_OK) << "since it was opened";
  EXPECT_EQ(waiter.wait(milliseconds(10)), GANDER_TIMEOUT);
  producer.enqueue({message(2)});
  EXPECT_EQ(waiter.wait(seconds(10)), GANDER_OK) << "since the last wait";
}

TEST_F(Wake, RingsInAnotherProcess) {
  Child child({"wait", path});
  ASSERT_EQ(child.line(), "open");
  std::vector<std::int64_t> delays;
  for (std::uint64_t n = 1; n <= 200; ++n) {
    child.say("again\n");
    producer.enqueue({message(n)});
    const std::int64_t stored = monotonic_us();
    const std::string said = child.line();
    ASSERT_EQ(said.substr(0, 2), "0 ") << said;
    delays.push_back(std::stoll(said.substr(2)) - stored);
  }
  std::sort(delays.begin(), delays.end());
  RecordProperty("p50_us", static_cast<int>(delays[100]));
  RecordProperty("p98_us", static_cast<int>(delays[196]));
  // Far below the second after which a waiter looks by itself, and wide of any stall of the disk.
  EXPECT_LT(delays[100], 50'000);
}

TEST_F(Wake, IsInterruptedFromAnyThreadBeforeAndDuring) {
  Session waiter = broker.open(GANDER_ROLE_WAIT);
  waiter.interrupt();
  EXPECT_EQ(waiter.wait(seconds(10)), GANDER_CANCELLED) << "the next wait is ended";
  std::jthread other([&] { waiter.interrupt(); });
  const auto start = std::chrono::steady_clock::now();
  gander_status status = GANDER_OK;
  while (status == GANDER_OK) status = waiter.wait(seconds(10));
  EXPECT_EQ(status, GANDER_CANCELLED);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(1));
}

TEST_F(Wake, OfAnInterruptDoesNotSwallowAnArrival) {
  Session waiter = broker.open(GANDER_ROLE_WAIT);
  producer.enqueue({message(1)});
  waiter.interrupt();
  EXPECT_EQ(waiter.wait(seconds(10)), GANDER_CANCELLED);
  EXPECT_EQ(waiter.wait(seconds(10)), GANDER_OK);
}

TEST_F(Wake, CountsWhatIsGivenBack) {
  producer.enqueue({message(1)});
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "a");
  Taken held = consumer.take(1);
  Session waiter = broker.open(GANDER_ROLE_WAIT);
  consumer.close();
  EXPECT_EQ(waiter.wait(seconds(10)), GANDER_OK);
}

TEST_F(Wake, ComesWithoutTheSharedFileToo) {
  Folder other;
  const std::string database = other.file("jobs.db");
  std::filesystem::create_directory(database + "-wake");  // a folder cannot be mapped
  FileBroker deaf(host, database), ringer(host, database);
  Session waiter = deaf.open(GANDER_ROLE_WAIT);
  ringer.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  EXPECT_EQ(waiter.wait(seconds(10)), GANDER_OK);
}

}  // namespace
