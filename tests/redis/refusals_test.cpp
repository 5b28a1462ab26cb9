// What the Redis broker refuses, and in which words; nothing is lost by it.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

#include "redis_server.h"

namespace gander::test {
namespace {

using testing::HasSubstr;
using testing::Not;

bool retryable(const gander_error& e) { return (e.flags & GANDER_ERROR_RETRYABLE) != 0; }
bool maybe_applied(const gander_error& e) { return (e.flags & GANDER_ERROR_MAYBE_APPLIED) != 0; }

gander_error open_error(const std::string& url, std::map<std::string, std::string> options = {}) {
  FakeHost host;
  return error_of([&] { broker_on(host, url, std::move(options)).open(GANDER_ROLE_PRODUCE); });
}

TEST(RedisRefusals, UrlOfAnotherFormIsNamed) {
  FakeHost host;
  for (const char* url :
       {"redis://h:port", "redis://h/db", "http://h", "redis://h:0", "redis://[::1"}) {
    const gander_error e = error_of([&] { broker_on(host, url); });
    EXPECT_EQ(e.code, GANDER_CONFIG) << url;
    EXPECT_THAT(std::string(e.message),
                testing::MatchesRegex("option 'url': .*; right (is|are) .*"));
  }
}

TEST(RedisRefusals, OptionsThatGoTogetherAndPrefixes) {
  FakeHost host;
  const auto why = [&](std::map<std::string, std::string> options) {
    const gander_error e =
        error_of([&] { broker_on(host, "redis://localhost", std::move(options)); });
    EXPECT_EQ(e.code, GANDER_CONFIG);
    return std::string(e.message);
  };
  EXPECT_THAT(why({{"sentinels", "a:1,b:2"}}), HasSubstr("'master'"));
  EXPECT_THAT(why({{"prefix", "a{b}"}}), HasSubstr("'prefix'"));
  EXPECT_THAT(why({{"lease_ms", "10"}}), HasSubstr("'lease_ms' must be at least 1000"));
}

TEST(RedisRefusals, ServerDownIsUnavailableAndWorthAnotherTry) {
  const gander_error e = open_error("redis://127.0.0.1:1");
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_TRUE(retryable(e));
  EXPECT_FALSE(maybe_applied(e));
  EXPECT_THAT(e.message, HasSubstr("redis://127.0.0.1:1: cannot connect: Connection refused"));
}

TEST(RedisRefusals, WrongPasswordIsNeverShown) {
  GANDER_REQUIRE_REDIS();
  const RedisServer server({"--requirepass", "right-secret"});
  const std::string at = "127.0.0.1:" + std::to_string(server.port());
  EXPECT_EQ(open_error("redis://" + at).code, GANDER_UNAUTHENTICATED);
  const gander_error e = open_error("redis://:wrong-secret@" + at);
  EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
  EXPECT_THAT(e.message, HasSubstr("correct username and password"));
  EXPECT_THAT(e.message, Not(HasSubstr("secret")));
  FakeHost host;
  broker_on(host, "redis://:right-secret@" + at).open(GANDER_ROLE_PRODUCE);
  broker_on(host, "redis://" + at, {{"password", "right-secret"}}).open(GANDER_ROLE_PRODUCE);
}

TEST(RedisRefusals, PasswordComesFromAFile) {
  GANDER_REQUIRE_REDIS();
  const RedisServer server({"--requirepass", "from-a-file"});
  const std::string file = testing::TempDir() + "gander-redis-password-" + std::to_string(getpid());
  std::ofstream(file) << "from-a-file\n";
  FakeHost host;
  broker_on(host, server.url(), {{"password_file", file}}).open(GANDER_ROLE_PRODUCE);
  unlink(file.c_str());
  const gander_error e = open_error(server.url(), {{"password_file", file}});
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr(file));
}

TEST(RedisRefusals, UserWithoutRightsIsForbidden) {
  GANDER_REQUIRE_REDIS();
  RedisServer server;
  Cli(server.port())("ACL SETUSER poor on >pw ~* +info +auth +client|setname +select");
  const gander_error e = error_of([&] {
    FakeHost host;
    Broker broker = broker_on(host, server.url(), {{"username", "poor"}, {"password", "pw"}});
    broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  });
  EXPECT_EQ(e.code, GANDER_FORBIDDEN);
  EXPECT_THAT(e.message, HasSubstr("NOPERM"));
}

TEST(RedisRefusals, DatabaseThatIsNotThere) {
  GANDER_REQUIRE_REDIS();
  const RedisServer server;
  const gander_error e = open_error(server.url() + "/99");
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("database 99"));
}

TEST(RedisRefusals, EvictingServerIsRefusedWithTheSetting) {
  GANDER_REQUIRE_REDIS();
  const RedisServer server({"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"});
  const gander_error e = open_error(server.url());
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("maxmemory-policy is 'allkeys-lru'"));
  EXPECT_THAT(e.message, HasSubstr("noeviction"));
  FakeHost host;
  broker_on(host, server.url(), {{"any_eviction", "true"}}).open(GANDER_ROLE_PRODUCE);
}

TEST(RedisRefusals, ReplicaIsNotWrittenTo) {
  GANDER_REQUIRE_REDIS();
  const RedisServer master;
  const RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
  const gander_error e = open_error(replica.url());
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_TRUE(retryable(e));
  EXPECT_THAT(e.message, HasSubstr("it is a replica"));
}

// One that answers as Redis 6.2 does: the real one is in no archive any more.
TEST(RedisRefusals, OldServerIsRefusedByName) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::jthread old([listener] {
    const int one = accept(listener, nullptr, nullptr);
    char request[512];
    const std::string info = "# Server\r\nredis_version:6.2.14\r\n";
    for (const std::string& reply :
         {std::string("+OK\r\n"), "$" + std::to_string(info.size()) + "\r\n" + info + "\r\n"}) {
      if (read(one, request, sizeof request) <= 0) break;
      [[maybe_unused]] const ssize_t sent = write(one, reply.data(), reply.size());
    }
    close(one);
  });
  const gander_error e = open_error("redis://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("Redis 6.2.14; the Redis broker needs 7.0 or newer"));
  close(listener);
}

TEST(RedisRefusals, KeyOfAForeignTypeIsNamedAndNothingIsStored) {
  GANDER_REQUIRE_REDIS();
  RedisServer server;
  Cli cli(server.port());
  cli("SET {test}:ready:1:default foreign");
  FakeHost host;
  Broker broker = broker_on(host, server.url());
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  const gander_error e = error_of([&] { producer.enqueue({message(1)}); });
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("'prefix'"));
  EXPECT_EQ(cli("SCARD {test}:ids"), "0");
  cli("DEL {test}:ready:1:default");
  EXPECT_EQ(producer.enqueue({message(1)}).front(), GANDER_OK);
}

TEST(RedisRefusals, FullMemoryRefusesEnqueuesButLetsWorkersMakeRoom) {
  GANDER_REQUIRE_REDIS();
  RedisServer server;
  Cli cli(server.port());
  FakeHost host;
  Broker broker = broker_on(host, server.url());
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "w");
  producer.enqueue({message(1), message(2)});
  cli("CONFIG SET maxmemory 1mb");
  const gander_error e = error_of([&] { producer.enqueue({message(3)}); });
  EXPECT_EQ(e.code, GANDER_FULL);
  EXPECT_TRUE(retryable(e));
  EXPECT_FALSE(maybe_applied(e));
  EXPECT_THAT(e.message, HasSubstr("maxmemory"));
  const Taken taken = consumer.take(2);
  ASSERT_EQ(taken.numbers(), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, taken[1]), GANDER_OK);
  cli("CONFIG SET maxmemory 0");
  EXPECT_EQ(producer.enqueue({message(3)}).front(), GANDER_OK);
}

TEST(RedisRefusals, TooManyClients) {
  GANDER_REQUIRE_REDIS();
  RedisServer server({"--maxclients", "2"});
  const Cli first(server.port());
  const Cli second(server.port());
  const gander_error e = open_error(server.url());
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_TRUE(retryable(e));
  EXPECT_THAT(e.message, HasSubstr("maxclients"));
}

TEST(RedisRefusals, MessageAtTheLimitAndOneByteAbove) {
  GANDER_REQUIRE_REDIS();
  const RedisServer server;
  FakeHost host;
  Broker broker = broker_on(host, server.url(), {{"max_body_bytes", "5000"}});
  Message fits = message(1), large = message(2);
  fits.body.assign(5000, 'x');
  large.body.assign(5001, 'x');
  EXPECT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({fits, large}),
            (std::vector<gander_status>{GANDER_OK, GANDER_TOO_LARGE}));
  const Taken taken = broker.open(GANDER_ROLE_CONSUME, "w").take(9);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(view(taken[0].body), fits.body);
}

TEST(RedisRefusals, WhatIsNoMessageIsSetAsideAndHoldsUpNobody) {
  GANDER_REQUIRE_REDIS();
  RedisServer server;
  Cli cli(server.port());
  FakeHost host;
  Broker broker = broker_on(host, server.url());
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  cli(std::vector<std::string>{"RPUSH", "{test}:ready:1:default", "\x7f" + std::string(60, 'f')});
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "w");
  EXPECT_EQ(consumer.take(9).numbers(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(cli("HLEN {test}:held:w"), "2");
  consumer.close();
  EXPECT_EQ(cli("LLEN {test}:unreadable"), "1");
  EXPECT_EQ(cli("EXISTS {test}:held:w {test}:gone"), "0");
  EXPECT_EQ(broker.open(GANDER_ROLE_CONSUME, "w2").take(9).numbers(),
            std::vector<std::uint64_t>{1});
}

// A server that talks TLS only, with a certificate of its own.
class TlsServer {
 public:
  TlsServer() {
    const std::string make =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout " +
        key() + " -out " + certificate() + " 2>/dev/null";
    if (std::system(make.c_str()) != 0) throw std::runtime_error("openssl req failed");
    tls_port_ = free_port();
    server_ = std::make_unique<RedisServer>(std::vector<std::string>{
        "--tls-port", std::to_string(tls_port_), "--tls-cert-file", certificate(), "--tls-key-file",
        key(), "--tls-ca-cert-file", certificate(), "--tls-auth-clients", "no"});
  }
  ~TlsServer() {
    unlink(certificate().c_str());
    unlink(key().c_str());
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  [[nodiscard]] std::string url() const {
    return "rediss://localhost:" + std::to_string(tls_port_);
  }
  [[nodiscard]] std::string certificate() const { return stem_ + ".crt"; }
  [[nodiscard]] std::string key() const { return stem_ + ".key"; }

 private:
  std::string stem_ = testing::TempDir() + "gander-redis-tls-" + std::to_string(getpid());
  std::uint16_t tls_port_ = 0;
  std::unique_ptr<RedisServer> server_;
};

#ifdef GANDER_REDIS_TLS
TEST(RedisRefusals, TlsChecksTheCertificate) {
  GANDER_REQUIRE_REDIS();
  const TlsServer server;
  const gander_error e = open_error(server.url());
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_THAT(e.message, HasSubstr("cannot start TLS"));
  FakeHost host;
  Broker broker = broker_on(host, server.url(), {{"tls_ca_file", server.certificate()}});
  std::vector<Message> many;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    many.push_back(message(i));
    many.back().body.assign(2000, 'x');
  }
  broker.open(GANDER_ROLE_PRODUCE).enqueue(many);
  EXPECT_EQ(broker.open(GANDER_ROLE_CONSUME, "w").take(1000).size(), 1000U);
}
#else
TEST(RedisRefusals, TlsWhereHiredisHasNone) {
  GANDER_REQUIRE_REDIS();
  const TlsServer server;
  const gander_error e = open_error(server.url());
  EXPECT_EQ(e.code, GANDER_UNSUPPORTED);
  EXPECT_THAT(e.message, HasSubstr("hiredis"));
}
#endif

}  // namespace
}  // namespace gander::test
