// What the plugin makes of the server, as the page says it: the arguments of each queue, and the
// levels at which messages wait for their time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "../support/operator.h"
#include "names.h"
#include "server.h"

namespace gander::test {
namespace {

using rabbitmq::kDelayLevels;
using rabbitmq::kLongestDelay;
using testing::ElementsAre;
using namespace std::chrono_literals;

struct Shape {
  std::string type, durable;
  std::set<std::string> arguments;
  bool operator==(const Shape&) const = default;
};
void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.type << " " << shape.durable;
  for (const std::string& each : shape.arguments) *out << " " << each;
}

class RabbitTopology : public RabbitTest {
 protected:
  // Of [{"x-queue-type","quorum"},{"x-delivery-limit",7}] each pair.
  static std::set<std::string> pairs_of(const std::string& table) {
    std::set<std::string> pairs;
    for (std::size_t at = 0; (at = table.find('{', at)) != std::string::npos;) {
      const std::size_t end = table.find('}', at);
      pairs.insert(table.substr(at + 1, end - at - 1));
      at = end;
    }
    return pairs;
  }
  // Every queue of this test, without the prefix.
  [[nodiscard]] std::map<std::string, Shape> shapes() const {
    std::map<std::string, Shape> all;
    for (const auto& row :
         ctl_rows("list_queues -p " + own_vhost() + " name type durable arguments"))
      if (row.at(0).starts_with(prefix + "."))
        all[row[0].substr(prefix.size() + 1)] = {row.at(1), row.at(2), pairs_of(row.at(3))};
    return all;
  }
  // A durable quorum queue of which no return costs a message.
  static Shape kept(std::set<std::string> more = {}) {
    more.insert({R"("x-queue-type","quorum")", R"("x-delivery-limit",1000000)"});
    return {"quorum", "true", std::move(more)};
  }
  // One that hands on what leaves it, and loses nothing of it.
  [[nodiscard]] Shape hands_on(const std::string& to, std::set<std::string> more) const {
    more.insert({"\"x-dead-letter-exchange\",\"" + named(to) + "\"",
                 R"("x-dead-letter-strategy","at-least-once")",
                 R"("x-overflow","reject-publish")"});
    return kept(std::move(more));
  }
  [[nodiscard]] static std::string level(int k) {
    return std::string("lvl.") + (k < 10 ? "0" : "") + std::to_string(k);
  }
};

TEST_F(RabbitTopology, EveryQueueIsADurableQuorumQueueThatLosesNothingOfItself) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1), later(message(2), host, 1h)});
  std::map<std::string, Shape> expected = {
      {"names", kept()}, {"unrouted", kept()}, {"dead.default", kept()}};
  for (const char* each : {"0", "1", "2", "alone"})
    expected[std::string("q.default.") + each] =
        hands_on("dlx", {R"("x-dead-letter-routing-key","default")"});
  for (int k = 0; k < kDelayLevels; ++k)
    expected[level(k)] = hands_on(
        k == 0 ? "deliver" : level(k - 1),
        {"\"x-message-ttl\"," + std::to_string(std::int64_t{1000} * (std::int64_t{1} << k))});
  const auto all = shapes();
  for (const auto& [name, shape] : all) EXPECT_EQ(shape, expected[name]) << name;
  EXPECT_EQ(all.size(), 35U);
  EXPECT_EQ(expected.size(), 35U);
}

// As many at each as tell it from the others.
TEST_F(RabbitTopology, ADelayOfAPowerOfTwoSecondsWaitsAtTheLevelOfThatPower) {
  const auto due_at = [&](int k) {
    const Message m = later(message(1), host, std::chrono::seconds(std::int64_t{1} << k));
    return std::vector<Message>(static_cast<std::size_t>(k) + 1, m);
  };
  std::vector<std::uint32_t> expected, counts;
  for (std::uint32_t n = 1; n <= kDelayLevels; ++n) expected.push_back(n);
  // The lowest holds them for a second: who has looked for longer looks again, at levels of his
  // own.
  EXPECT_TRUE(eventually([&] {
    prefix += "x";
    Broker over = broker();
    Session producer = over.open(GANDER_ROLE_PRODUCE);
    producer.enqueue(due_at(kDelayLevels - 1));  // which makes the levels
    std::vector<Message> rest;
    for (int k = 0; k < kDelayLevels - 1; ++k)
      for (const Message& m : due_at(k)) rest.push_back(m);
    const auto start = std::chrono::steady_clock::now();
    producer.enqueue(rest);
    counts.clear();
    for (int k = 0; k < kDelayLevels; ++k)
      counts.push_back(stranger->count(named(level(k))).value_or(0));
    return std::chrono::steady_clock::now() - start < 1s;
  }));
  EXPECT_EQ(counts, expected);
}

TEST_F(RabbitTopology, TheLongestDelayIsStoredAndOneBeyondItIsUnsupported) {
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  const std::chrono::seconds longest(kLongestDelay);
  EXPECT_THAT(
      producer.enqueue({later(message(1), host, longest), later(message(2), host, longest + 1us),
                        later(message(3), host, longest + 1s)}),
      ElementsAre(GANDER_OK, GANDER_UNSUPPORTED, GANDER_UNSUPPORTED));
  EXPECT_EQ(stranger->count(named(level(kDelayLevels - 1))), 1U);
}

// A worker cannot be told that its job may not be retried: it waits as long as there is room for.
TEST_F(RabbitTopology, ARetryBeyondTheLongestDelayWaitsForTheLongest) {
  Broker over = broker();
  over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  gander_message held = take_until(consumer, 1, keep).at(0);
  held.run_at_us =
      host.now_us + std::chrono::microseconds(std::chrono::seconds(kLongestDelay) * 2).count();
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, held), GANDER_OK);
  EXPECT_EQ(stranger->count(named(level(kDelayLevels - 1))), 1U);
}

// Nor is a dead letter lost by it.
TEST_F(RabbitTopology, ADeadLetterMovedBeyondTheLongestDelayStaysWhereItIs) {
  Broker over = broker();
  over.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, take_until(consumer, 1, keep).at(0)), GANDER_OK);
  Operator op(over);
  const auto at = [&](std::int64_t seconds) {
    return Operator::To{.state = GANDER_STATE_SCHEDULED,
                        .run_at = host.now_us + seconds * 1'000'000};
  };
  EXPECT_THAT(op.move({1}, at(kLongestDelay + 1)), ElementsAre(GANDER_UNSUPPORTED));
  EXPECT_THAT(op.list(GANDER_STATE_DEAD), ElementsAre(1));
  EXPECT_THAT(op.move({1}, at(kLongestDelay)), ElementsAre(GANDER_OK));
  EXPECT_EQ(stranger->count(named(level(kDelayLevels - 1))), 1U);
}

}  // namespace
}  // namespace gander::test
