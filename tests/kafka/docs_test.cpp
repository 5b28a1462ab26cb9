// What docs/brokers/kafka.md says of the options is what the plugin has, and what it shows works.
#include <regex>

#include "../support/output_of.h"
#include "../support/page.h"
#include "cluster.h"

namespace gander::test {
namespace {

TEST(KafkaPage, NamesEveryOptionWithItsDefault) {
  EXPECT_EQ(expect_options(read_page(GANDER_KAFKA_PAGE)), 20U);
}

TEST(KafkaPage, ShowsCommandsThatWork) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  const std::string run = server_variable("kafka", "RUN");
  if (run.empty()) GTEST_SKIP() << "Kafka's own tools are not at hand: GANDER_TEST_KAFKA_RUN";
  const Cluster cluster(url);
  FakeHost host;
  Broker broker = broker_on(host, url, cluster.prefix());
  broker.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2)});
  Session consumer = consumer_on(broker, "w");
  std::vector<Taken> keep;
  consumer.settle(GANDER_SETTLE_ACK, take_until(consumer, 1, keep).at(0));
  // The scripts of Apache's archive, as the classes that they run.
  const std::map<std::string, std::string> classes = {
      {"kafka-topics.sh", "org.apache.kafka.tools.TopicCommand"},
      {"kafka-consumer-groups.sh", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"}};
  auto commands = all_between(read_page(GANDER_KAFKA_PAGE), "\nkafka-", "\n");
  // Of these guarded_test.
  std::erase_if(commands, [](const std::string& each) { return each.starts_with("acls.sh"); });
  EXPECT_EQ(commands.size(), 2U);
  for (const std::string& shown : commands) {
    const std::string script = "kafka-" + shown.substr(0, shown.find(' '));
    std::string arguments = shown.substr(shown.find(' '));
    arguments = std::regex_replace(arguments, std::regex("localhost:9092"),
                                   url.substr(url.find("://") + 3));
    arguments = std::regex_replace(arguments, std::regex("gander"), cluster.prefix());
    const std::string answer =
        output_of("'" + run + "' " + classes.at(script) + arguments + " 2>/dev/null");
    EXPECT_NE(answer.find(cluster.prefix() + ".q.default.1"), std::string::npos) << answer;
  }
}

}  // namespace
}  // namespace gander::test
