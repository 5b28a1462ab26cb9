// What docs/brokers/rabbitmq.md shows works, and it names every option with its default.
#include <gmock/gmock.h>

#include "../support/operator.h"
#include "../support/page.h"
#include "server.h"

namespace gander::test {
namespace {

TEST(RabbitPage, NamesEveryOptionWithItsDefault) {
  EXPECT_EQ(expect_options(read_page(GANDER_RABBITMQ_PAGE)), 16U);
}

class RabbitPageShows : public RabbitTest {
 protected:
  // The commands of the page, in the vhost of this program.
  static std::vector<std::string> commands(const std::string& of) {
    auto all = all_between(read_page(GANDER_RABBITMQ_PAGE), "\nrabbitmqctl " + of, "\n");
    for (std::string& each : all) {
      each.insert(0, of);
      if (const auto at = each.find("-p jobs"); at != std::string::npos)
        each.replace(at, 7, "-p " + own_vhost());
    }
    return all;
  }
};

TEST_F(RabbitPageShows, CommandsThatWork) {
  prefix = "g";
  Broker over = broker();
  over.open(GANDER_ROLE_PRODUCE)
      .enqueue({message(1), message(2), later(message(3), host, std::chrono::hours(1))});
  Session consumer = over.open(GANDER_ROLE_CONSUME, "host:1");
  std::vector<Taken> keep;
  take_until(consumer, 1, keep);
  const auto lists = commands("list_");
  EXPECT_EQ(lists.size(), 5U);
  std::string shown;
  for (const std::string& each : lists) shown += ctl(each);
  for (const char* part : {"g.q.default.1\tquorum", "g.dead.default", "g.lvl.11", "g.unrouted",
                           "g.names", "g.deliver\ttopic", "gander host:1"})
    EXPECT_THAT(shown, testing::HasSubstr(part));
}

TEST_F(RabbitPageShows, AUserWithEnoughRights) {
  const ServerUser user("page-user", "password");
  EXPECT_EQ(commands("add_user gander ").size(), 1U);
  auto rights = commands("set_permissions -p jobs gander ");
  ASSERT_EQ(rights.size(), 1U);
  ctl(rights[0].replace(rights[0].find(" gander ") + 1, 6, "page-user"));
  prefix = "g";
  Broker over = broker({{"url", url_as("page-user:password")}});
  const std::string queue = "rights";
  over.open(GANDER_ROLE_PRODUCE)
      .enqueue({message(1, queue), later(message(2, queue), host, std::chrono::seconds(1))});
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 2, keep, queue);
  EXPECT_EQ(taken.size(), 2U);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, taken.at(0)), GANDER_OK);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_RETRY, taken.at(1)), GANDER_OK);
  over.open(GANDER_ROLE_TEND, "w").tend();
  consumer.close();
  Operator op(over);
  op.pause(true, queue);
  op.pause(false, queue);
  EXPECT_EQ(op.list(GANDER_STATE_DEAD), Numbers{number_of(taken[0].id)});
  EXPECT_EQ(op.replay({number_of(taken[0].id)}), Statuses{GANDER_OK});
  EXPECT_TRUE(eventually([&] { return op.queues().at(queue).ready == 2; }));
  EXPECT_EQ(op.purge(GANDER_STATE_READY, queue), 2U);
  EXPECT_EQ(op.purge(GANDER_STATE_DEAD), 0U);
  op.health();
}

}  // namespace
}  // namespace gander::test
