// A server that goes away, starves or loses patience. It is the tests' own: ./tools/services, told
// by GANDER_SERVICES which, kills and starts it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include "proxy.h"
#include "server.h"

namespace gander::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

const std::map<std::string, std::string> kKeepsNewQueues{{"new_queue_wait_ms", "1500"}};

class RabbitOutage : public RabbitTest {
 protected:
  void SetUp() override {
    if (std::getenv("GANDER_SERVICES") == nullptr)
      GTEST_SKIP() << "it needs a server of its own: tests/faults/own_server rabbitmq ...";
    RabbitTest::SetUp();
  }
  static void services(const std::string& what) {
    const std::string command = std::string(GANDER_TOOLS_SERVICES) + " " + what + " rabbitmq";
    if (std::system((command + " >/dev/null").c_str()) != 0)
      throw std::runtime_error(command + " failed");
  }
  static pid_t server_pid() {
    pid_t pid = 0;
    std::ifstream(std::string(std::getenv("GANDER_SERVICES")) + "/rabbitmq/pid") >> pid;
    return pid;
  }
  // A setting of the server, for channels that are opened from now on.
  static void set(const std::string& key, const std::string& value) {
    // RabbitMQ 4 reads some of them only once, and keeps them apart.
    ctl("eval 'application:set_env(rabbit, " + key + ", " + value + "), persistent_term:put(" +
        key + ", " + value + ").'");
  }
};

TEST_F(RabbitOutage, AKilledServerLosesNothingThatWasConfirmed) {
  Broker over = broker(kKeepsNewQueues);
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Message> many;
  for (std::uint64_t n = 1; n <= 500; ++n) many.push_back(message(n));
  many.push_back(later(message(501), host, 9s));
  producer.enqueue(many);
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 10, keep);
  ASSERT_EQ(held.size(), 10U);
  services("kill");
  gander_error e = error_of([&] { producer.enqueue({message(502)}, Call(1s)); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
  e = error_of([&] { consumer.settle(GANDER_SETTLE_ACK, held[0]); });
  EXPECT_EQ(e.code, GANDER_LEASE_LOST);
  std::jthread starting([] { services("start"); });
  // While it starts it is away, and nothing else.
  EXPECT_TRUE(eventually([&] {
    try {
      Session again = over.open(GANDER_ROLE_PRODUCE, "", Call(500ms));
      return again.enqueue({message(503)}).front() == GANDER_OK;
    } catch (const Failure& failure) {
      EXPECT_TRUE(failure.error.code == GANDER_UNAVAILABLE || failure.error.code == GANDER_TIMEOUT)
          << failure.what();
      EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE)) << failure.what();
      return false;
    }
  }));
  starting.join();
  stranger = std::make_unique<Stranger>(url);
  Session other = over.open(GANDER_ROLE_CONSUME, "w2");
  std::set<std::uint64_t> came;
  for (const gander_message& m : take_until(other, 502, keep)) {
    came.insert(number_of(m.id));
    EXPECT_LE(m.crashes, 1U);
  }
  EXPECT_EQ(came.size(), 502U) << "501 before, one after";
}

// RabbitMQ loses a queue that it is killed just after making, with what it confirmed.
TEST_F(RabbitOutage, WhatIsConfirmedInANewQueueOutlivesASigkillInThatMoment) {
  Broker over = broker(kKeepsNewQueues);
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  Message low = message(1);  // to the queue that is made last: each made later saves the one before
  low.m.priority = 2;
  EXPECT_EQ(producer.enqueue({low}, Call(10s)).front(), GANDER_OK);
  kill(server_pid(), SIGKILL);  // the command would take its time
  services("kill");
  services("start");
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  EXPECT_EQ(number_of(take_until(consumer, 1, keep).at(0).id), 1U);
}

// Once it is back, such a queue has no leader, and can be used by nobody.
TEST_F(RabbitOutage, ANewQueueThatCameBackWithoutALeaderIsMadeAgain) {
  Broker patient = broker({{"new_queue_wait_ms", "600000"}}), over = broker(kKeepsNewQueues);
  {
    Session producer = patient.open(GANDER_ROLE_PRODUCE);
    gander_error e = blank_error();
    EXPECT_TRUE(eventually([&] {
      e = error_of([&] { producer.enqueue({message(1)}, Call(700ms)); });
      return std::string_view(e.message).find("disk") != std::string_view::npos;
    })) << e.message;
    EXPECT_EQ(e.code, GANDER_TIMEOUT);
    EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
    EXPECT_FALSE(has(e, GANDER_ERROR_MAYBE_APPLIED));
    kill(server_pid(), SIGKILL);
  }
  services("kill");
  services("start");
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  EXPECT_TRUE(eventually([&] {
    try {
      return producer.enqueue({message(2)}, Call(10s)).front() == GANDER_OK;
    } catch (const Failure& failure) {
      EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE)) << failure.what();
      return false;
    }
  }));
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  EXPECT_EQ(number_of(take_until(consumer, 1, keep).at(0).id), 2U);
}

TEST_F(RabbitOutage, AStoppedServerKeepsNobodyBeyondTheDeadline) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  const pid_t pid = server_pid();
  ASSERT_GT(pid, 0);
  kill(pid, SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  const gander_error e = error_of([&] { producer.enqueue({message(2)}, Call(300ms)); });
  const auto took = std::chrono::steady_clock::now() - start;
  kill(pid, SIGCONT);
  EXPECT_LT(took, 2s);
  EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
  EXPECT_TRUE(has(e, GANDER_ERROR_MAYBE_APPLIED));
  EXPECT_EQ(over.open(GANDER_ROLE_PRODUCE).enqueue({message(2)}).front(), GANDER_OK);
}

class RabbitAlarm : public RabbitOutage, public testing::WithParamInterface<const char*> {
 protected:
  void raise() { ctl(GetParam()); }
  static void clear() {
    ctl("set_vm_memory_high_watermark 0.4");
    ctl("set_disk_free_limit 50MB");
  }
  void TearDown() override {
    if (!IsSkipped()) clear();
  }
};

TEST_P(RabbitAlarm, RefusesEnqueuesInTimeAndLetsWorkersMakeRoom) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  producer.enqueue({message(1), message(2), message(3)});
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 3, keep);
  ASSERT_EQ(held.size(), 3U);
  raise();
  // A busy server raises it a while after the command, and what was sent before it said so may be
  // stored.
  gander_error e = blank_error();
  EXPECT_TRUE(eventually([&] {
    try {
      producer.enqueue({message(4)}, Call(500ms));
    } catch (const Failure& failure) {
      e = failure.error;
    }
    return e.code == GANDER_FULL;
  })) << e.message;
  const auto start = std::chrono::steady_clock::now();
  e = error_of([&] { producer.enqueue({message(5)}, Call(300ms)); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  EXPECT_EQ(e.code, GANDER_FULL) << e.message;
  EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
  EXPECT_FALSE(has(e, GANDER_ERROR_MAYBE_APPLIED));
  EXPECT_THAT(e.message, HasSubstr("low on"));
  // Acks go on another connection; what has a successor waits in the hands of the worker.
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, held[0]), GANDER_OK);
  e = error_of([&] { consumer.settle(GANDER_SETTLE_DEAD, held[1]); });
  EXPECT_EQ(e.code, GANDER_FULL) << e.message;
  EXPECT_FALSE(has(e, GANDER_ERROR_RECONNECT));
  clear();
  EXPECT_EQ(producer.enqueue({message(6)}).front(), GANDER_OK);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, held[1]), GANDER_OK);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, held[2]), GANDER_OK);
  std::set<std::uint64_t> came;
  EXPECT_TRUE(eventually([&] {
    for (const gander_message& m : take_until(consumer, 1, keep)) came.insert(number_of(m.id));
    return came.contains(3) && came.contains(6);
  }));
  EXPECT_FALSE(came.contains(5));
}

// The server reads the first of it, says so, and reads no more.
TEST_P(RabbitAlarm, IsToldToWhoSendsMoreThanTheLineHolds) {
  Broker over = broker();
  over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  raise();
  std::vector<Message> large;
  for (std::uint64_t n = 2; n <= 80; ++n) {
    large.push_back(message(n));
    large.back().body.assign(500'000, 'x');
  }
  gander_error e = blank_error();
  EXPECT_TRUE(eventually([&] {
    Session producer = over.open(GANDER_ROLE_PRODUCE);
    try {
      producer.enqueue(large, Call(1s));
    } catch (const Failure& failure) {
      e = failure.error;
    }
    return e.code != GANDER_OK;
  }));
  EXPECT_EQ(e.code, GANDER_FULL) << e.message;
  EXPECT_THAT(e.message, HasSubstr("low on"));
}

INSTANTIATE_TEST_SUITE_P(Of, RabbitAlarm,
                         testing::Values("set_vm_memory_high_watermark 0.000001",
                                         "set_disk_free_limit 1000000GB"),
                         [](const auto& each) { return each.index == 0 ? "Memory" : "Disk"; });

TEST_F(RabbitOutage, AJobBeyondTheConsumerTimeoutLosesItsLeaseAndTheTextSaysWhat) {
  set("consumer_timeout", "300");
  set("channel_tick_interval", "100");
  Broker over = broker();
  over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 1, keep);
  ASSERT_EQ(held.size(), 1U);
  gander_error e = blank_error();
  EXPECT_TRUE(eventually([&] {
    try {
      consumer.take(1);
      return false;
    } catch (const Failure& failure) {
      e = failure.error;
      return true;
    }
  }));
  set("consumer_timeout", "1800000");
  set("channel_tick_interval", "60000");
  EXPECT_EQ(e.code, GANDER_LEASE_LOST) << e.message;
  EXPECT_THAT(std::string(e.message), HasSubstr("consumer_timeout"));
  EXPECT_EQ(error_of([&] { consumer.settle(GANDER_SETTLE_ACK, held[0]); }).code, GANDER_LEASE_LOST);
  Session other = over.open(GANDER_ROLE_CONSUME, "w2");
  const auto back = take_until(other, 1, keep);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].crashes, 1U);
}

TEST_F(RabbitOutage, OfAJobThatNearsTheConsumerTimeoutTheLogWarnsOnce) {
  Broker over = broker({{"consumer_timeout_ms", "1000"}});
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 1, keep);
  EXPECT_TRUE(eventually([&] {
    consumer.take(1);
    return !host.warnings_of("consumer_timeout").empty();
  }));
  consumer.take(1);
  EXPECT_EQ(host.warnings_of("consumer_timeout").size(), 1U);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, held.at(0)), GANDER_OK);
}

TEST_F(RabbitOutage, AMessageAboveTheServersLimitIsTooLargeAndItsNeighboursAreStoredOnce) {
  set("max_message_size", "10000");
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  std::vector<Message> batch;
  std::vector<gander_status> expected;
  for (std::uint64_t i = 1; i <= 300; ++i) {
    batch.push_back(message(i));
    const bool large = i % 100 == 0;
    batch.back().body.assign(large ? 20000 : i % 10 == 0 ? 9000 : 10, 'x');
    expected.push_back(large ? GANDER_TOO_LARGE : GANDER_OK);
  }
  EXPECT_EQ(producer.enqueue(batch), expected);
  const gander_error e = error_of([&] { producer.enqueue({batch[99]}); });
  EXPECT_EQ(e.code, GANDER_TOO_LARGE) << e.message;
  EXPECT_EQ(e.flags, 0U);
  EXPECT_THAT(e.message, HasSubstr("max_message_size"));
  set("max_message_size", "134217728");
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  std::set<std::uint64_t> numbers;
  for (const gander_message& m : take_until(consumer, 297, keep)) numbers.insert(number_of(m.id));
  EXPECT_EQ(numbers.size(), 297U);
  EXPECT_EQ(consumer.take(10).size(), 0U);
}

// The server would never take the successor, which is larger than what it succeeds.
TEST_F(RabbitOutage, AJobWhoseErrorMakesItTooLargeForTheServerIsRetriedWithoutThatText) {
  Broker over = broker();
  Message large = message(1);
  large.body.assign(9900, 'x');
  over.open(GANDER_ROLE_PRODUCE).enqueue({large, message(2)});
  set("max_message_size", "10000");
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  for (const gander_message& m : take_until(consumer, 2, keep)) {
    const std::string text(500, 'e');
    gander_message failed = m;
    failed.attempts = 1;
    failed.note = {text.data(), static_cast<std::uint32_t>(text.size())};
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, failed), GANDER_OK);
  }
  const auto again = take_until(consumer, 2, keep);
  set("max_message_size", "134217728");
  for (const gander_message& m : again) {
    EXPECT_EQ(m.attempts, 1U);
    EXPECT_EQ(m.note.len, number_of(m.id) == 1 ? 0U : 500U);
  }
}

TEST_F(RabbitOutage, ConnectionsThatAnOperatorClosesAreMadeAgain) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  producer.enqueue({message(1)});
  std::vector<Taken> keep;
  ASSERT_EQ(take_until(consumer, 1, keep).size(), 1U);
  ctl("close_all_connections --vhost " + own_vhost() + " 'for repairs'");
  EXPECT_TRUE(eventually([&] {
    try {
      consumer.take(1);
      return false;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.error.code, GANDER_LEASE_LOST) << failure.what();
      return true;
    }
  }));
  EXPECT_TRUE(eventually([&] {
    try {
      return producer.enqueue({message(2)}).front() == GANDER_OK;
    } catch (const Failure& failure) {
      EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE)) << failure.what();
      return false;
    }
  }));
  Session other = over.open(GANDER_ROLE_CONSUME, "w2");
  EXPECT_EQ(take_until(other, 2, keep).size(), 2U);
}

// The server tries again to move what it could not after three minutes; here sooner.
TEST_F(RabbitOutage, WhatWaitsAboveALevelThatIsGoneComesOnceThatIsMadeAgain) {
  set("dead_letter_worker_publisher_confirm_timeout", "1000");
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  ASSERT_EQ(producer.enqueue({later(message(1), host, 3s)}).front(), GANDER_OK);
  stranger->remove_exchange(named("lvl.00"));
  stranger->remove_queue(named("lvl.00"));
  // Past its two seconds at the level above, it is still there.
  EXPECT_TRUE(eventually([&] { return stranger->count(named("lvl.01")) == 0U; }));
  EXPECT_EQ(producer.enqueue({later(message(2), host, 1s)}).front(), GANDER_OK);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  std::set<std::uint64_t> came;
  for (const gander_message& m : take_until(consumer, 2, keep)) came.insert(number_of(m.id));
  EXPECT_EQ(came, (std::set<std::uint64_t>{1, 2}));
  set("dead_letter_worker_publisher_confirm_timeout", "180000");
}

}  // namespace
}  // namespace gander::test
