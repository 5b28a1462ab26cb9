// What operators see and do. Each Broker is a process of its own as far as RabbitMQ can tell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "../support/operator.h"
#include "proxy.h"
#include "server.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// "name: value" of what is worse than it should be.
std::vector<std::string> troubles(Operator& op) {
  std::vector<std::string> all;
  for (const auto& item : op.health())
    if (item.level > GANDER_LOG_INFO) all.push_back(item.name + ": " + item.value);
  return all;
}

class RabbitAdmin : public RabbitTest {
 protected:
  // Each died a microsecond after the one before.
  void make_dead(Broker& over, const Numbers& numbers, const std::string& queue = "default") {
    std::vector<Message> list;
    for (const std::uint64_t n : numbers) list.push_back(message(n, queue));
    over.open(GANDER_ROLE_PRODUCE).enqueue(list);
    Session consumer = over.open(GANDER_ROLE_CONSUME, "dies" + std::to_string(++serial_));
    std::vector<Taken> keep;
    for (gander_message m : take_until(consumer, numbers.size(), keep, queue)) {
      m.failed_at_us = host.now_us + static_cast<std::int64_t>(number_of(m.id));
      EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, m), GANDER_OK);
    }
  }

 private:
  int serial_ = 0;
};

TEST_F(RabbitAdmin, WhatFellDueForADeletedQueueIsListedAmongTheDeadAndReplayed) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({later(message(1, "doomed"), host, 1s), later(message(2, "doomed"), host, 1s)});
  stranger->remove_queue(named("q.doomed.1"));
  Operator op(over);
  ASSERT_TRUE(eventually([&] { return op.list(GANDER_STATE_DEAD, "doomed").size() == 2; }));
  EXPECT_EQ(op.queues().at("doomed").dead, 2);
  EXPECT_THAT(op.list(GANDER_STATE_DEAD, "other"), IsEmpty());
  EXPECT_THAT(troubles(op), ElementsAre("unrouted: 2"));
  EXPECT_THAT(op.replay({1, 2}), ElementsAre(GANDER_OK, GANDER_OK));
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 2, keep, "doomed");
  EXPECT_THAT((Numbers{number_of(taken.at(0).id), number_of(taken.at(1).id)}),
              UnorderedElementsAre(1, 2));
  EXPECT_EQ(taken[0].crashes, 0U);
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), IsEmpty());
}

TEST_F(RabbitAdmin, SeveralOperatorsWhoLookAtOnceEachSeeAll) {
  Broker over = broker();
  make_dead(over, {1, 2, 3});
  const auto look = [this] {
    Broker mine = broker();
    Operator op(mine);
    for (int i = 0; i < 10; ++i) {
      EXPECT_THAT(op.list(GANDER_STATE_DEAD), ElementsAre(3, 2, 1));
      EXPECT_EQ(op.queues().at("default").dead, 3);
    }
  };
  std::thread one(look), two(look);
  one.join();
  two.join();
}

TEST_F(RabbitAdmin, AnOperatorWhoseConnectionIsCutHoldsNothingBack) {
  Broker over = broker();
  make_dead(over, {1, 2});
  Operator op(over);
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), ElementsAre(2, 1));
  ctl("close_all_connections --vhost " + own_vhost() + " test");
  EXPECT_TRUE(eventually([&] {
    try {
      return op.list(GANDER_STATE_DEAD) == Numbers{2, 1};
    } catch (const Failure& e) {
      EXPECT_TRUE(has(e.error, GANDER_ERROR_RECONNECT)) << e.what();
      return false;
    }
  }));
}

TEST_F(RabbitAdmin, NothingIsTakenFromAPausedQueueByAnyWorker) {
  Broker theirs = broker(), mine = broker();
  Session producer = theirs.open(GANDER_ROLE_PRODUCE);
  Session consumer = theirs.open(GANDER_ROLE_CONSUME, "w");
  Session waiter = theirs.open(GANDER_ROLE_WAIT);
  Operator op(mine);
  producer.enqueue({message(1), message(2), message(3)});
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 1, keep);
  op.pause(true);
  op.pause(true);
  EXPECT_EQ(op.queues().at("default").paused, 1U);
  producer.enqueue({message(4)});
  EXPECT_EQ(consumer.take(10).size(), 0U);
  Session late = theirs.open(GANDER_ROLE_CONSUME, "late");
  EXPECT_EQ(late.take(10).size(), 0U);
  // What was pushed to it goes back; what it holds is still its own.
  EXPECT_TRUE(eventually([&] { return op.queues().at("default").ready == 3; }));
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, held.at(0)), GANDER_OK);
  op.pause(false);
  const gander_str queue = str("default");
  const Call call;
  EXPECT_EQ(table().wait(waiter.raw(), &call, &queue, 1, nullptr), GANDER_OK);
  const auto rest = take_until(late, 3, keep);
  ASSERT_EQ(rest.size(), 3U);
  for (const gander_message& m : rest) EXPECT_EQ(m.crashes, 0U);
}

// As when its process is stopped, or its machine is gone: the server has it for there until it has
// missed two heartbeats.
TEST_F(RabbitAdmin, APauseSaysSoUntilAWorkerThatHangsIsGone) {
  Proxy proxy(port_of(url));
  Broker theirs = broker({{"url", with_port(url, proxy.port())}, {"lease_ms", "8000"}});
  Broker mine = broker();
  Operator op(mine);
  mine.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2)});
  Session consumer = theirs.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  take_until(consumer, 1, keep);
  proxy.swallow();
  const gander_error e = error_of([&] { op.pause(true, "default", Call(4s)); });
  EXPECT_EQ(e.code, GANDER_TIMEOUT);
  EXPECT_THAT(e.message, HasSubstr("is paused, but a worker did not let go of it"));
  op.pause(true, "default", Call(60s));
  Session other = mine.open(GANDER_ROLE_CONSUME, "w2");
  EXPECT_EQ(other.take(10).size(), 0U);
  EXPECT_TRUE(eventually([&] { return op.queues().at("default").ready == 2; }));
}

TEST_F(RabbitAdmin, DeadLettersBeyondTheNumberOrTheAgeAreDropped) {
  Broker over = broker({{"dead_max_count", "2"}}), by_age = broker({{"dead_max_age_s", "10"}});
  Operator op(over);
  make_dead(over, {1, 2, 3, 4, 5});
  const auto tend = [](Broker& on) {
    Session consumer = on.open(GANDER_ROLE_CONSUME, "w");
    return on.open(GANDER_ROLE_TEND, "w").tend().trimmed;
  };
  EXPECT_EQ(tend(over), 3U);
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), ElementsAre(5, 4));
  EXPECT_EQ(tend(by_age), 0U);
  host.now_us += 11'000'000;
  EXPECT_EQ(tend(by_age), 2U);
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), IsEmpty());
}

TEST_F(RabbitAdmin, OneDeadLetterThatIsThereTwiceIsReplayedOnce) {
  Broker over = broker();
  make_dead(over, {1, 1, 2});
  Operator op(over);
  EXPECT_THAT(op.replay({1, 9}, "other"), ElementsAre(GANDER_OK, GANDER_UNSUPPORTED));
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  EXPECT_EQ(stranger->count(named("q.other.1")), 1U);
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), ElementsAre(2));
}

TEST_F(RabbitAdmin, OneOfThreeDeadLettersThatIsRemovedIsGoneAndTheOthersStayInOrder) {
  Broker over = broker();
  make_dead(over, {1, 2, 3});
  Operator op(over);
  EXPECT_THAT(op.remove({2}), ElementsAre(GANDER_OK));
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), ElementsAre(3, 1));
  EXPECT_THAT(op.list(GANDER_STATE_DEAD, "default"), ElementsAre(3, 1));
  EXPECT_EQ(op.queues().at("default").dead, 2);
  EXPECT_EQ(stranger->count(named("dead.default")), 2U);
  EXPECT_EQ(error_of([&] { op.get(2); }).code, GANDER_UNSUPPORTED);
  // Whether it ran or was removed the server cannot tell.
  EXPECT_THAT(op.remove({2, 9}), ElementsAre(GANDER_UNSUPPORTED, GANDER_UNSUPPORTED));
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), ElementsAre(3, 1));
  EXPECT_EQ(op.get(1).numbers, Numbers{1});
  EXPECT_EQ(op.get(3).numbers, Numbers{3});
}

TEST_F(RabbitAdmin, APurgeTakesAllPrioritiesAndSaysWhatItCannot) {
  Broker over = broker();
  make_dead(over, {5, 6});
  make_dead(over, {7}, "other");
  std::vector<Message> list = {message(1), message(2), message(3)};
  for (std::uint32_t p = 0; p < 3; ++p) list[p].m.priority = p;
  list.push_back(message(4, "other"));
  over.open(GANDER_ROLE_PRODUCE).enqueue(list);
  Operator op(over);
  EXPECT_THAT(troubles(op), ElementsAre(HasSubstr("'default'"), HasSubstr("'other'")));
  EXPECT_EQ(op.purge(GANDER_STATE_READY, "default"), 3U);
  EXPECT_EQ(op.queues().at("other").ready, 1);
  EXPECT_EQ(op.purge(GANDER_STATE_DEAD, "", host.now_us + 6), 1U);
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), ElementsAre(7, 6));
  EXPECT_EQ(op.purge(GANDER_STATE_DEAD, "default"), 1U);
  EXPECT_EQ(op.purge(GANDER_STATE_DEAD), 1U);
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { op.purge(GANDER_STATE_READY, "default", host.now_us); },
           [&] { op.purge(GANDER_STATE_SCHEDULED); }, [&] { op.list(GANDER_STATE_READY); },
           [&] { op.list(GANDER_STATE_LEASED); }}) {
    const gander_error e = error_of(call);
    EXPECT_EQ(e.code, GANDER_UNSUPPORTED);
    EXPECT_THAT(e.message, HasSubstr("the broker rabbitmq cannot"));
    EXPECT_THAT(e.message, HasSubstr("postgres"));
  }
}

}  // namespace
}  // namespace gander::test
