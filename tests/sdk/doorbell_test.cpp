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

// One ticket at a time, laid down as soon as the last was taken: nearly every ring falls between
// the taker's look and its next wait. One that is lost leaves the taker asleep over a ticket.
TEST(Doorbell, NoRingFallsBetweenALookAndTheWait) {
  constexpr int kTickets = 20'000;
  Doorbell bell;
  Doorbell::Waiter waiter(bell);
  std::atomic<bool> laid = false;
  const std::jthread producer([&](const std::stop_token& stop) {
    for (int i = 0; i < kTickets && !stop.stop_requested(); ++i) {
      laid = true;
      bell.ring("mail");
      while (laid && !stop.stop_requested()) std::this_thread::yield();
    }
  });
  for (int taken = 0; taken < kTickets;) {
    ASSERT_EQ(waiter.wait(kMail, late()), Waited::arrived) << "asleep after " << taken;
    if (laid.exchange(false)) ++taken;
  }
}

}  // namespace
