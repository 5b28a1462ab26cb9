// Users who may not do everything: what is refused is FORBIDDEN and told by name, with the right
// that is missing and the command that gives it, and nothing is lost by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "server.h"

namespace gander::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

class RabbitUser : public RabbitTest {
 protected:
  void SetUp() override {
    RabbitTest::SetUp();
    if (!IsSkipped()) user_.emplace("poor", "pw");
  }
  void grant(const std::string& configure, const std::string& write, const std::string& read) {
    user_->grant(configure, write, read);
  }
  Broker poor() { return broker({{"url", url_as("poor:pw")}}); }
  // What begins with the prefix and none of the rest, as for whoever forgot that.
  [[nodiscard]] std::string ours() const { return "^" + prefix + "\\."; }

  static void expect_forbidden(const gander_error& e, const std::string& right,
                               const std::string& what, bool retryable = false) {
    EXPECT_EQ(e.code, GANDER_FORBIDDEN) << e.message;
    EXPECT_EQ(has(e, GANDER_ERROR_RETRYABLE), retryable) << e.message;
    EXPECT_THAT(std::string(e.message),
                AllOf(HasSubstr("ACCESS_REFUSED"), HasSubstr("'" + what + "'"),
                      HasSubstr("give the user the right to " + right + " it"),
                      HasSubstr("rabbitmqctl set_permissions"),
                      HasSubstr("the page of the RabbitMQ broker")));
  }

 private:
  std::optional<ServerUser> user_;
};

TEST_F(RabbitUser, WithoutRightsIsForbiddenWithTheCommand) {
  Broker over = poor();
  const gander_error e = error_of([&] { over.open(GANDER_ROLE_PRODUCE); });
  EXPECT_EQ(e.code, GANDER_FORBIDDEN);
  EXPECT_THAT(e.message, HasSubstr("rabbitmqctl set_permissions"));
  grant("", ".*", ".*");
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  const gander_error refused = error_of([&] { producer.enqueue({message(1)}); });
  expect_forbidden(refused, "configure", named("building.+base"));
  EXPECT_FALSE(has(refused, GANDER_ERROR_MAYBE_APPLIED));
}

TEST_F(RabbitUser, AWorkerWhoMayNotReadIsToldWhatAndTakesNothing) {
  Broker rich = broker(), over = poor();
  rich.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  const std::vector<std::pair<std::string, std::string>> missing = {
      {"", named("unrouted")},  // an exchange that something is bound to
      {ours() + "[^q]", named("q.default.alone")}};
  for (const auto& [read, what] : missing) {
    grant(".*", ".*", read);
    Session consumer = over.open(GANDER_ROLE_CONSUME, "poor-" + what);
    expect_forbidden(error_of([&] { consumer.take(1); }), "read", what);
  }
  Session other = rich.open(GANDER_ROLE_CONSUME, "rich");
  std::vector<Taken> keep;
  const auto taken = take_until(other, 1, keep);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].crashes, 0U);
}

TEST_F(RabbitUser, AProducerWhoMayNotWriteIsToldWhatAndStoresNothing) {
  Broker rich = broker(), over = poor();
  rich.open(GANDER_ROLE_PRODUCE).enqueue({later(message(9), host, 1h)});
  const std::vector<std::pair<std::string, std::string>> missing = {{"", named("unrouted")},
                                                                    {ours(), "amq.default"}};
  for (const auto& [write, what] : missing) {
    grant(".*", write, ".*");
    Session producer = over.open(GANDER_ROLE_PRODUCE);
    expect_forbidden(error_of([&] { producer.enqueue({message(1)}); }), "write to", what);
    EXPECT_EQ(stranger->count(named("q.default.1")), 0U);
  }
  grant(".*", "^(amq\\.default$|" + prefix + "\\.[^l])", ".*");
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  expect_forbidden(error_of([&] { producer.enqueue({later(message(1), host, 1h)}); }), "write to",
                   named("lvl.00"));
}

// To take needs no right to the default exchange; what a job becomes is published there.
TEST_F(RabbitUser, AWorkerWhoMayNotWriteLosesNothingByARetryAndMayAck) {
  Broker rich = broker(), over = poor();
  rich.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2)});
  grant(".*", ours(), ".*");
  std::vector<Taken> keep;
  {
    Session consumer = over.open(GANDER_ROLE_CONSUME, "poor");
    const auto held = take_until(consumer, 2, keep);
    ASSERT_EQ(held.size(), 2U);
    for (const auto op : {GANDER_SETTLE_RETRY, GANDER_SETTLE_DEAD, GANDER_SETTLE_GIVE_BACK}) {
      const gander_error e = error_of([&] { consumer.settle(op, held[0]); });
      expect_forbidden(e, "write to", "amq.default", true);
      EXPECT_FALSE(has(e, GANDER_ERROR_RECONNECT));
    }
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, held[1]), GANDER_OK);
  }
  Session other = rich.open(GANDER_ROLE_CONSUME, "rich");
  const auto back = take_until(other, 1, keep);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(number_of(back[0].id), 1U);
  EXPECT_EQ(other.settle(GANDER_SETTLE_RETRY, back[0]), GANDER_OK);
  const auto again = take_until(other, 1, keep);
  EXPECT_EQ(number_of(again.at(0).id), 1U);
  EXPECT_EQ(other.settle(GANDER_SETTLE_ACK, again[0]), GANDER_OK);
  EXPECT_EQ(other.take(1).size(), 0U);
  EXPECT_EQ(stranger->count(named("dead.default")), 0U);
}

}  // namespace
}  // namespace gander::test
