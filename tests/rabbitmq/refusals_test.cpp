// What the RabbitMQ broker refuses, and in which words; nothing is lost by it.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <set>

#include "proxy.h"
#include "server.h"

namespace gander::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

gander_error open_error(const std::map<std::string, std::string>& options,
                        const Call& call = Call()) {
  FakeHost host;
  return error_of([&] { Broker(host, options).open(GANDER_ROLE_PRODUCE, "", call); });
}

TEST(RabbitOptions, OnesThatAreWrongAreNamed) {
  FakeHost host;
  const auto why = [&](const std::map<std::string, std::string>& options) {
    const gander_error e = error_of([&] { Broker(host, options); });
    EXPECT_EQ(e.code, GANDER_CONFIG);
    return std::string(e.message);
  };
  for (const char* url : {"amqp://h:port", "http://h", "amqp://h:0", "amqp://[::1"})
    EXPECT_THAT(why({{"url", url}}), testing::MatchesRegex("option 'url': .*; right (is|are) .*"))
        << url;
  EXPECT_THAT(why({{"prefix", "a.b"}}), HasSubstr("'prefix'"));
  EXPECT_THAT(why({{"lease_ms", "10"}}), HasSubstr("'lease_ms' must be at least 2000"));
  EXPECT_THAT(why({{"tls_cert_file", "/a"}}), HasSubstr("'tls_key_file'"));
}

TEST(RabbitOptions, WithNobodyThereASessionIsUnavailable) {
  const gander_error e = open_error({{"url", "amqp://ada:5ecret@127.0.0.1:1"}});
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
  EXPECT_FALSE(has(e, GANDER_ERROR_MAYBE_APPLIED));
  EXPECT_THAT(e.message, HasSubstr("amqp://127.0.0.1:1: connecting"));
  EXPECT_THAT(e.message, Not(HasSubstr("5ecret")));
}

// As one that is starting: its port is open, and nobody speaks yet.
TEST(RabbitOptions, AServerThatDoesNotSpeakIsLeftInTime) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const auto start = std::chrono::steady_clock::now();
  const gander_error e = open_error(
      {{"url", "amqp://127.0.0.1:" + std::to_string(ntohs(address.sin_port))}}, Call(300ms));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  EXPECT_TRUE(e.code == GANDER_TIMEOUT || e.code == GANDER_UNAVAILABLE) << e.message;
  EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
  close(listener);
}

using RabbitRefusals = RabbitTest;

TEST_F(RabbitRefusals, OfSeveralHostsTheFirstThatAnswers) {
  std::string two = url;
  two.insert(two.find('@') + 1, "127.0.0.1:1,");
  Broker over = broker({{"url", two}});
  EXPECT_EQ(over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).front(), GANDER_OK);
}

TEST_F(RabbitRefusals, AWrongPasswordIsUnauthenticatedAndNeverShown) {
  const gander_error e = open_error({{"url", url_as("gander:5ecret")}});
  EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
  EXPECT_FALSE(has(e, GANDER_ERROR_RETRYABLE));
  EXPECT_THAT(e.message, HasSubstr("correct username and password"));
  EXPECT_THAT(e.message, Not(HasSubstr("5ecret")));
}

TEST_F(RabbitRefusals, ThePasswordComesFromAFile) {
  const std::string user = url.substr(7, url.find('@') - 7);
  const std::string file =
      testing::TempDir() + "gander-rabbit-password-" + std::to_string(getpid());
  std::ofstream(file) << user.substr(user.find(':') + 1) << "\n";
  const std::map<std::string, std::string> options{
      {"url", url_as(user.substr(0, user.find(':')) + ":wrong")}, {"password_file", file}};
  Broker(host, options).open(GANDER_ROLE_PRODUCE);
  unlink(file.c_str());
  const gander_error e = open_error(options);
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr(file));
}

TEST_F(RabbitRefusals, AVhostThatIsNotThereIsNamedWithTheCommand) {
  const gander_error e = open_error({{"url", url.substr(0, url.rfind('/')) + "/nowhere"}});
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("nowhere"));
  EXPECT_THAT(e.message, HasSubstr("rabbitmqctl add_vhost"));
}

// The server says "access ... refused for user" of it, too.
TEST_F(RabbitRefusals, AConnectionLimitIsUnavailableUntilThereIsRoom) {
  // With a user of its own, as others log in as the server's.
  const ServerUser user("limited", "pw");
  user.grant(".*", ".*", ".*");
  const std::map<std::string, std::string> theirs{{"url", url_as("limited:pw")}};
  const std::string vhost = "vhost_limits -p " + own_vhost(), limited = "user_limits limited";
  for (const std::string& of : {vhost, limited}) {
    ctl("set_" + of + " '{\"max-connections\":0}'");
    const gander_error e = open_error(theirs);
    ctl("clear_" + of + (of == limited ? " all" : ""));
    EXPECT_EQ(e.code, GANDER_UNAVAILABLE) << e.message;
    EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE)) << e.message;
    EXPECT_THAT(e.message, HasSubstr("limit"));
    EXPECT_THAT(e.message, HasSubstr("raise the limit"));
    broker(theirs).open(GANDER_ROLE_PRODUCE);
  }
}

TEST_F(RabbitRefusals, AQueueOfAForeignShapeIsNamedAndNothingIsStored) {
  const std::string work = named("q.default.1"), level = named("lvl.01");
  stranger->declare(work, "classic");
  stranger->declare(level, "classic");
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  gander_error e = error_of([&] { producer.enqueue({message(1)}); });
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_FALSE(has(e, GANDER_ERROR_MAYBE_APPLIED));
  EXPECT_THAT(e.message, HasSubstr(work));
  EXPECT_THAT(e.message, HasSubstr("'prefix'"));
  EXPECT_EQ(stranger->count(work), 0U);
  stranger->remove_queue(work);
  e = error_of([&] { producer.enqueue({later(message(2), host, 3s)}); });
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr(level));
  stranger->remove_queue(level);
  EXPECT_EQ(producer.enqueue({message(1), later(message(2), host, 1s)}),
            (std::vector<gander_status>{GANDER_OK, GANDER_OK}));
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  EXPECT_EQ(take_until(consumer, 2, keep).size(), 2U);
}

// Shapes that nobody at gander made, met by a producer and by a worker that comes first.
TEST_F(RabbitRefusals, AForeignLimitOrExchangeIsNamedToProducerAndWorker) {
  Broker over = broker();
  const auto both_name = [&](const std::string& what, const std::string& queue) {
    Session producer = over.open(GANDER_ROLE_PRODUCE);
    Session consumer = over.open(GANDER_ROLE_CONSUME, "w-" + queue);
    const std::vector<std::function<void()>> calls = {
        [&] { producer.enqueue({message(1, queue)}); }, [&] { consumer.take(1, queue); }};
    for (const auto& call : calls) {
      const gander_error e = error_of(call);
      EXPECT_EQ(e.code, GANDER_CONFIG) << e.message;
      EXPECT_FALSE(has(e, GANDER_ERROR_RETRYABLE));
      EXPECT_FALSE(has(e, GANDER_ERROR_MAYBE_APPLIED));
      EXPECT_THAT(e.message, HasSubstr("'" + what + "'"));
      EXPECT_THAT(e.message, HasSubstr("delete it, or set another 'prefix'"));
    }
  };
  stranger->declare_exchange(named("deliver"), "fanout");
  both_name(named("deliver"), "one");
  stranger->remove_exchange(named("deliver"));
  const std::string work = named("q.two.0");
  stranger->declare(work, "quorum", 7);
  both_name(work, "two");
  stranger->remove_queue(work);
  EXPECT_EQ(over.open(GANDER_ROLE_PRODUCE).enqueue({message(1, "two")}).front(), GANDER_OK);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  EXPECT_EQ(take_until(consumer, 1, keep, "two").size(), 1U);
}

TEST_F(RabbitRefusals, MessageAtTheLimitAndOneByteAbove) {
  Broker over = broker({{"max_body_bytes", "300000"}});
  Message fits = message(1), large = message(2);
  fits.body.assign(300'000, 'x');
  large.body.assign(300'001, 'x');
  EXPECT_EQ(over.open(GANDER_ROLE_PRODUCE).enqueue({large, fits}),
            (std::vector<gander_status>{GANDER_TOO_LARGE, GANDER_OK}));
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 1, keep);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(view(taken[0].body), fits.body);
}

// A refusal may also come from a channel that lost its way to the leader, so another one is tried.
TEST_F(RabbitRefusals, AQueueAtItsLimitIsFullAndTakesAgainWhenThereIsRoom) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  EXPECT_EQ(producer.enqueue({message(1)}).front(), GANDER_OK);
  const std::string at = " -p " + own_vhost() + " " + prefix;
  ctl("set_policy" + at + " '^" + prefix + "\\.q\\.' '{\"max-length\":1}' --apply-to queues");
  std::uint64_t n = 1;
  EXPECT_TRUE(eventually([&] { return producer.enqueue({message(++n)}).front() == GANDER_FULL; }));
  EXPECT_EQ(producer.enqueue({message(1000)}, Call(1s)).front(), GANDER_FULL);
  ctl("clear_policy" + at);
  EXPECT_TRUE(eventually([&] { return producer.enqueue({message(n)}).front() == GANDER_OK; }));
}

// A retry whose time has come goes to its queue, one that waits to the cascade, which has room.
TEST_F(RabbitRefusals, ARetryIntoAQueueAtItsLimitStaysHeldUntilThereIsRoom) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  producer.enqueue({message(1), message(2)});
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 2, keep);
  ASSERT_EQ(held.size(), 2U);
  producer.enqueue({message(3)});
  const std::string at = " -p " + own_vhost() + " " + prefix;
  ctl("set_policy" + at + " '^" + prefix + "\\.q\\.' '{\"max-length\":1}' --apply-to queues");
  std::uint64_t n = 3;
  EXPECT_TRUE(eventually([&] { return producer.enqueue({message(++n)}).front() == GANDER_FULL; }));
  const gander_error e = error_of([&] { consumer.settle(GANDER_SETTLE_RETRY, held[0]); });
  EXPECT_EQ(e.code, GANDER_FULL) << e.message;
  EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
  EXPECT_FALSE(has(e, GANDER_ERROR_RECONNECT));
  // It keeps nobody from what waits, which is what makes room.
  std::vector<gander_status> verdicts;
  keep.push_back(consumer.exchange({{GANDER_SETTLE_RETRY, held[0]}}, {"default"}, 1, &verdicts));
  EXPECT_EQ(verdicts, std::vector<gander_status>{GANDER_NOT_ATTEMPTED});
  const Taken& taken = keep.back();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(number_of(taken[0].id), 3U);
  // With it, what needs no room is settled, and it is still held.
  consumer.exchange({{GANDER_SETTLE_RETRY, held[0]}, {GANDER_SETTLE_ACK, held[1]}}, {}, 0,
                    &verdicts);
  EXPECT_EQ(verdicts, (std::vector<gander_status>{GANDER_NOT_ATTEMPTED, GANDER_OK}));
  ctl("clear_policy" + at);
  EXPECT_TRUE(eventually([&] {
    try {
      return consumer.settle(GANDER_SETTLE_RETRY, held[0]) == GANDER_OK;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.error.code, GANDER_FULL) << failure.what();
      return false;
    }
  }));
  // The one that was refused is not among them.
  std::set<std::uint64_t> came;
  for (const gander_message& m : take_until(consumer, n - 3, keep)) came.insert(number_of(m.id));
  EXPECT_TRUE(came.contains(1));
  EXPECT_FALSE(came.contains(2));
}

TEST_F(RabbitRefusals, FrontIsNotOnOfferAndSaysSoAtTheCall) {
  Broker over = broker();
  Message m = message(1);
  m.m.flags = GANDER_MESSAGE_FRONT;
  EXPECT_EQ(over.open(GANDER_ROLE_PRODUCE).enqueue({m, message(2)}),
            (std::vector<gander_status>{GANDER_UNSUPPORTED, GANDER_OK}));
}

TEST_F(RabbitRefusals, WhatAnotherProgramPublishedIsABodyWithAnIdOfItsOwn) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  stranger->publish(named("q.default.1"), "hello");
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 2, keep);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(view(taken[1].body), "hello");
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, taken[1]), GANDER_OK);
}

}  // namespace
}  // namespace gander::test
