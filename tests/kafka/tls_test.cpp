// TLS and SCRAM: who is let in, who is not, and what is said of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "guarded.h"

namespace gander::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr int kScramWorks = 0x020601ff;  // librdkafka 2.6.1; before, Kafka refuses it

using Options = std::map<std::string, std::string>;

Options with(Options options, const std::string& key, const std::string& value) {
  options[key] = value;
  return options;
}

// Why nobody can connect by these.
gander_error refusal(const Options& options) {
  FakeHost host;
  Broker broker(host, options);
  const gander_error e = error_of([&] { broker.open(GANDER_ROLE_PRODUCE, "", Call(1500ms)); });
  EXPECT_THAT(e.message, Not(HasSubstr("5ecret")));
  return e;
}

void expect_a_message_through(const Options& options) {
  FakeHost host;
  Broker broker(host, options);
  ASSERT_EQ(broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).at(0), GANDER_OK);
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 1, keep);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK);
}

TEST_F(KafkaGuarded, WithTheRightAuthorityTlsCarriesMessages) {
  expect_a_message_through(guarded().by_tls("plain"));
}

TEST_F(KafkaGuarded, ACertificateOfAnotherAuthorityOrNameIsRefused) {
  const Options right = guarded().by_tls("plain");
  const std::string port = right.at("url").substr(right.at("url").rfind(':'));
  for (const Options& wrong :
       {with(right, "properties", "ssl.ca.location=" + guarded().wrong_authority()),
        with(right, "properties", ""), with(right, "url", "kafka://localhost" + port)}) {
    const gander_error e = refusal(wrong);
    EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
    EXPECT_THAT(e.message, AllOf(HasSubstr("certificate verify failed"), HasSubstr("'tls'"),
                                 HasSubstr("ssl.ca.location")));
  }
}

TEST_F(KafkaGuarded, AnAuthorityThatCannotBeReadIsWrongConfiguration) {
  const gander_error e =
      refusal(with(guarded().by_tls("plain"), "properties", "ssl.ca.location=/nonexistent.pem"));
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("ssl.ca.location"));
}

// A server that ends may cut off a handshake, too: so this may be tried again.
TEST_F(KafkaGuarded, TlsOnOneSideAloneIsUnavailableAndTheOptionIsNamed) {
  for (const Options& wrong :
       {with(guarded().by_tls("plain"), "tls", "false"), with(guarded().as("whole"), "tls", "true"),
        with(guarded().as("whole"), "url", guarded().anonymous_url())}) {
    const gander_error e = refusal(wrong);
    EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
    EXPECT_NE(e.flags & GANDER_ERROR_RETRYABLE, 0U);
    EXPECT_THAT(e.message, AllOf(HasSubstr("'tls'"), HasSubstr("'username'")));
  }
}

TEST_F(KafkaGuarded, AWrongPasswordOrMechanismIsUnauthenticated) {
  for (const Options& wrong : {with(guarded().by_tls("plain"), "password", "5ecret"),
                               with(guarded().by_tls("scram-sha-512"), "password", "5ecret"),
                               with(guarded().as("whole"), "sasl_mechanism", "scram-sha-512")}) {
    const gander_error e = refusal(wrong);
    EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
    EXPECT_THAT(e.message, AllOf(HasSubstr("'password'"), HasSubstr("'sasl_mechanism'")));
  }
}

TEST_F(KafkaGuarded, ThePasswordComesFromAFileAndMayChangeThere) {
  Options options = guarded().by_tls("plain");
  const std::string right = options.at("password");
  const std::string file = testing::TempDir() + "gander-kafka-password-" + std::to_string(getpid());
  options["password"] = "wrong";
  options["password_file"] = file;
  FakeHost host;
  Broker broker(host, options);
  const auto write = [&](const std::string& text) { std::ofstream(file) << text << "\n"; };
  const auto open = [&] { broker.open(GANDER_ROLE_PRODUCE, "", Call(3s)); };
  write("5ecret");
  gander_error e = error_of(open);
  EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
  EXPECT_THAT(e.message, Not(HasSubstr("5ecret")));
  write(right);
  open();
  unlink(file.c_str());
  e = error_of(open);
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr(file));
}

TEST_F(KafkaGuarded, ScramLetsInOrSaysThatThisLibrdkafkaCannot) {
  for (const std::string mechanism : {"scram-sha-256", "scram-sha-512"}) {
    const Options right = guarded().by_tls(mechanism);
    if (rd_kafka_version() >= kScramWorks) {
      expect_a_message_through(right);
      continue;
    }
    const gander_error e = refusal(right);
    EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
    EXPECT_THAT(e.message, AllOf(HasSubstr("librdkafka 2.6.1"), HasSubstr("'plain' with 'tls'")));
  }
}

}  // namespace
}  // namespace gander::test
