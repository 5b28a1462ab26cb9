// What is stored comes back: whole, once, in order, not before its time.
#include <gtest/gtest.h>

#include <functional>

#include "plugin.h"

using namespace gander::test;

namespace {

using Numbers = std::vector<std::uint64_t>;

class Messages : public testing::Test {
 protected:
  Folder folder;
  FakeHost host;
  FileBroker broker{host, folder.file("jobs.db")};
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "host:1");

  void enqueue(std::uint64_t n, const std::function<void(Message&)>& change = nullptr) {
    Message m = message(n);
    if (change) change(m);
    ASSERT_EQ(producer.enqueue({m}).at(0), GANDER_OK);
  }
};

TEST_F(Messages, ComeBackByteForByte) {
  Message m = message(7, "mail");
  m.body = std::string("\0\xff\n\0 body", 9);
  m.note = std::string("n\0te", 4);
  m.m.enqueued_at_us = 1;
  m.m.run_at_us = 2;
  m.m.first_failed_at_us = 3;
  m.m.failed_at_us = 4;
  m.m.attempts = 5;
  m.m.crashes = 6;
  m.m.give_backs = 4'000'000'000U;
  m.m.priority = GANDER_PRIORITY_LOW;
  m.m.flags = GANDER_MESSAGE_FRONT;
  ASSERT_EQ(producer.enqueue({m}).at(0), GANDER_OK);
  const Taken taken = consumer.take(10, "mail");
  ASSERT_EQ(taken.size(), 1U);
  const gander_message& got = taken[0];
  EXPECT_EQ(number_of(got.id), 7U);
  EXPECT_EQ(view(got.queue), "mail");
  EXPECT_EQ(view(got.body), m.body);
  EXPECT_EQ(view(got.note), m.note);
  EXPECT_EQ(got.enqueued_at_us, 1);
  EXPECT_EQ(got.run_at_us, 2);
  EXPECT_EQ(got.first_failed_at_us, 3);
  EXPECT_EQ(got.failed_at_us, 4);
  EXPECT_EQ(got.attempts, 5U);
  EXPECT_EQ(got.crashes, 6U);
  EXPECT_EQ(got.give_backs, 4'000'000'000U);
  EXPECT_EQ(got.priority, GANDER_PRIORITY_LOW);
  EXPECT_EQ(got.flags, GANDER_MESSAGE_FRONT);
  EXPECT_EQ(got.state, GANDER_STATE_LEASED);
}

TEST_F(Messages, MayBeEmptyOrAsLargeAsTheLimit) {
  enqueue(1, [](Message& m) { m.body = ""; });
  enqueue(2, [](Message& m) { m.body = std::string(1048576, 'b'); });
  Message over = message(3);
  over.body = std::string(1048577, 'b');
  EXPECT_EQ(producer.enqueue({over}).at(0), GANDER_TOO_LARGE);
  const Taken taken = consumer.take(10);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].body.len, 0U);
  EXPECT_EQ(taken[1].body.len, 1048576U);
}

TEST_F(Messages, OfOneIdAreStoredOnce) {
  enqueue(1);
  EXPECT_EQ(producer.enqueue({message(1), message(2), message(2)}),
            (std::vector<gander_status>{GANDER_DUPLICATE, GANDER_OK, GANDER_DUPLICATE}));
  EXPECT_EQ(consumer.take(10).numbers(), (Numbers{1, 2}));
}

TEST_F(Messages, OutliveTheirBroker) {
  enqueue(1);
  consumer.close();
  producer.close();
  FileBroker second(host, folder.file("jobs.db"));
  EXPECT_EQ(second.open(GANDER_ROLE_CONSUME, "next").take(10).numbers(), Numbers{1});
}

TEST_F(Messages, GoByPriorityThenInOrder) {
  for (std::uint64_t n = 1; n <= 6; ++n)
    enqueue(n, [n](Message& m) { m.m.priority = static_cast<std::uint32_t>(n % 3); });
  EXPECT_EQ(consumer.take(10).numbers(), (Numbers{3, 6, 1, 4, 2, 5}));
}

TEST_F(Messages, AtTheFrontPassThoseThatWait) {
  enqueue(1);
  enqueue(2);
  enqueue(3, [](Message& m) { m.m.flags = GANDER_MESSAGE_FRONT; });
  EXPECT_EQ(consumer.take(10).numbers(), (Numbers{3, 1, 2}));
}

TEST_F(Messages, ForLaterComeWhenTheClockSaysSo) {
  const std::int64_t due = host.now_us + 1000;
  enqueue(1);
  enqueue(2, [due](Message& m) { m.m.run_at_us = due; });
  enqueue(3, [due](Message& m) { m.m.run_at_us = due - 1; });
  Taken first = consumer.take(10);
  EXPECT_EQ(first.numbers(), Numbers{1});
  EXPECT_EQ(first.next_due_us(), due - 1);
  EXPECT_EQ(consumer.take(10).size(), 0U);
  host.now_us = due;
  enqueue(4);
  const Taken then = consumer.take(10);
  EXPECT_EQ(then.numbers(), (Numbers{3, 2, 4})) << "due ones go to the front, the earliest first";
  EXPECT_EQ(then[1].run_at_us, due);
}

TEST_F(Messages, AreTakenUpToALimitOfBytesAndAlwaysOne) {
  for (std::uint64_t n = 1; n <= 4; ++n) enqueue(n, [](Message& m) { m.body = "0123456789"; });
  std::vector<gander_status> none;
  EXPECT_EQ(consumer.exchange({}, {"default"}, 10, &none, 25).size(), 2U);
  EXPECT_EQ(consumer.exchange({}, {"default"}, 10, &none, 1).size(), 1U);
  EXPECT_EQ(consumer.exchange({}, {"default"}, 10, &none, 0).size(), 1U);
}

TEST_F(Messages, ServeQueuesInTheOrderAsked) {
  ASSERT_EQ(producer.enqueue({message(1, "a"), message(2, "b"), message(3, "a")}).size(), 3U);
  EXPECT_EQ(consumer.exchange({}, {"b", "none", "a"}, 10).numbers(), (Numbers{2, 1, 3}));
}

TEST_F(Messages, OfZeroCountDoNothing) {
  EXPECT_TRUE(producer.enqueue({}).empty());
  EXPECT_EQ(consumer.exchange({}, {}, 0).size(), 0U);
}

TEST_F(Messages, AreGoneWhenAcknowledged) {
  enqueue(1);
  const Taken taken = consumer.take(1);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_LEASE_LOST) << "settled once";
  enqueue(1);
}

TEST_F(Messages, ThatFailComeAgainAsTheirSuccessorSays) {
  enqueue(1);
  const Taken taken = consumer.take(1);
  gander_message next = taken[0];
  next.run_at_us = host.now_us + 500;
  next.attempts = 1;
  next.note = str("it broke");
  next.queue = str("retries");
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, next), GANDER_OK);
  EXPECT_EQ(consumer.exchange({}, {"default", "retries"}, 1).size(), 0U);
  host.now_us += 500;
  const Taken again = consumer.take(1, "retries");
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].attempts, 1U);
  EXPECT_EQ(view(again[0].note), "it broke");
  EXPECT_EQ(view(again[0].body), "{}");
}

TEST_F(Messages, GivenBackInReverseGoToTheFrontInTheirOrder) {
  for (std::uint64_t n = 1; n <= 4; ++n) enqueue(n);
  const Taken taken = consumer.take(3);
  const Taken again = consumer.exchange({{GANDER_SETTLE_GIVE_BACK, taken[2]},
                                         {GANDER_SETTLE_ACK, taken[1]},
                                         {GANDER_SETTLE_GIVE_BACK, taken[0]}},
                                        {"default"}, 10);
  EXPECT_EQ(again.numbers(), (Numbers{1, 3, 4}));
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_LEASE_LOST)
      << "the receipt of an earlier taking is worth nothing";
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, again[0]), GANDER_OK);
}

TEST_F(Messages, SettledUnderAWrongIdAreLeftAlone) {
  enqueue(1);
  const Taken taken = consumer.take(1);
  gander_message wrong = taken[0];
  wrong.id = id_of(99);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, wrong), GANDER_LEASE_LOST);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
}

TEST_F(Messages, FromTendToExchangeStayInTheHandsOfTheirIncarnation) {
  enqueue(1);
  const Taken taken = consumer.take(1);
  Session other = broker.open(GANDER_ROLE_CONSUME, "host:2");
  EXPECT_EQ(other.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_LEASE_LOST);
  Session tender = broker.open(GANDER_ROLE_TEND, "host:2");
  EXPECT_EQ(tender.tend().reclaimed, 0U);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
}

TEST_F(Messages, DueArePromotedByTendAndItSaysWhenToComeAgain) {
  Session tender = broker.open(GANDER_ROLE_TEND, "host:1");
  enqueue(1, [&](Message& m) { m.m.run_at_us = host.now_us + 300'000; });
  const gander_tend_res early = tender.tend();
  EXPECT_EQ(early.promoted, 0U);
  EXPECT_EQ(early.again_in_us, 300'000);
  host.now_us += 300'000;
  EXPECT_EQ(tender.tend().promoted, 1U);
  EXPECT_EQ(consumer.take(10).numbers(), Numbers{1});
}

TEST_F(Messages, SurviveAClockThatIsSetBack) {
  enqueue(1, [&](Message& m) { m.m.run_at_us = host.now_us + 1; });
  host.now_us -= 3'600'000'000;
  enqueue(2);
  EXPECT_EQ(consumer.take(10).numbers(), Numbers{2});
  host.now_us += 3'600'000'001;
  EXPECT_EQ(consumer.take(10).numbers(), Numbers{1});
}

}  // namespace
