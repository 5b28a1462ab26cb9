// The doorbell latches: a ring is heard once by each waiter, whenever it came.
#include <gtest/gtest.h>
#include <gander/sdk/doorbell.hpp>

#include <array>
#include <atomic>
#include <latch>
#include <thread>

namespace {

using namespace gander::sdk;

constexpr gander_str kMail[] = {{"mail", 4}};
constexpr gander_str kBoth[] = {{"mail", 4}, {"pictures", 8}};

Deadline within(std::int64_t us) {
  gander_call call{};
  call.timeout_us = us;
  return Deadline(&call);
}
// Long enough never to pass in a test that is right.
Deadline late() { return within(20'000'000); }

TEST(Doorbell, WithoutARingTheDeadlineEndsTheWait) {
  Doorbell bell;
  Doorbell::Waiter waiter(bell);
  EXPECT_EQ(waiter.wait(kMail, within(0)), Waited::timeout);
  const Deadline soon = within(2000);
  EXPECT_EQ(waiter.wait(kMail, soon), Waited::timeout);
  EXPECT_TRUE(soon.passed());
}

TEST(Doorbell, ARingBeforeTheWaitIsHeardOnce) {
  Doorbell bell;
  Doorbell::Waiter waiter(bell);
  bell.ring("mail");
  bell.ring("mail");
  EXPECT_EQ(waiter.wait(kMail, within(0)), Waited::arrived);
  EXPECT_EQ(waiter.wait(kMail, within(0)), Waited::timeout);
}

TEST(Doorbell, ARingBeforeTheWaiterIsNotHeard) {
  Doorbell bell;
  bell.ring("mail");
  Doorbell::Waiter waiter(bell);
  EXPECT_EQ(waiter.wait(kMail, within(0)), Waited::timeout);
}

TEST(Doorbell, OnlyTheQueuesOfTheWaitCount) {
  Doorbell bell;
  Doorbell::Waiter waiter(bell);
  bell.ring("pictures");
  EXPECT_EQ(waiter.wait(kMail, within(0)), Waited::timeout);
  EXPECT_EQ(waiter.wait(kBoth, within(0)), Waited::arrived);
}

TEST(Doorbell, EachWaiterHears) {
  Doorbell bell;
  Doorbell::Waiter one(bell), other(bell);
  bell.ring("mail");
  EXPECT_EQ(one.wait(kMail, within(0)), Waited::arrived);
  EXPECT_EQ(other.wait(kMail, within(0)), Waited::arrived);
}

TEST(Doorbell, ATimeoutForgetsNothing) {
  Doorbell bell;
  Doorbell::Waiter waiter(bell);
  bell.ring("pictures");
  EXPECT_EQ(waiter.wait(kMail, within(0)), Waited::timeout);
  bell.ring("mail");
  EXPECT_EQ(waiter.wait(kBoth, within(0)), Waited::arrived);
}

TEST(Doorbell, AnInterruptEndsTheNextWaitAndItAlone) {
  Doorbell bell;
  Doorbell::Waiter waiter(bell), other(bell);
  waiter.interrupt();
  bell.ring("mail");
  EXPECT_EQ(waiter.wait(kMail, late()), Waited::cancelled);
  EXPECT_EQ(waiter.wait(kMail, late()), Waited::arrived) << "the interrupt took the ring with it";
  EXPECT_EQ(other.wait(kMail, late()), Waited::arrived);
  EXPECT_EQ(other.wait(kMail, within(0)), Waited::timeout);
}

TEST(Doorbell, AnInterruptEndsAWaitWithoutDeadline) {
  Doorbell bell;
  Doorbell::Waiter waiter(bell);
  std::latch begun(1);
  Waited how = Waited::arrived;
  {
    const std::jthread thread([&] {
      begun.count_down();
      how = waiter.wait(kMail, Deadline(nullptr));
    });
    begun.wait();
    waiter.interrupt();
  }
  EXPECT_EQ(how, Waited::cancelled);
}

// Each ring is for a ticket that was laid down before it; whoever hears takes all there are. A ring
// that fell between a look and the wait after it would leave the taker asleep over tickets.
TEST(Doorbell, NoRingFallsBetweenALookAndTheWait) {
  constexpr int kTickets = 20'000;
  Doorbell bell;
  Doorbell::Waiter waiter(bell);
  std::atomic<int> laid = 0;
  const std::jthread producer([&] {
    for (int i = 0; i < kTickets; ++i) {
      laid.fetch_add(1);
      bell.ring("mail");
      if (i % 64 == 0) std::this_thread::yield();
    }
  });
  int taken = laid.exchange(0);
  while (taken < kTickets) {
    ASSERT_EQ(waiter.wait(kMail, late()), Waited::arrived) << "asleep after " << taken;
    taken += laid.exchange(0);
  }
  EXPECT_EQ(taken, kTickets);
}

}  // namespace
