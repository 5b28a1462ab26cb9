// What connections there are, how long they are kept, and what each makes of the server once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "server.h"

namespace gander::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

class RabbitConnections : public RabbitTest {
 protected:
  // By what each calls itself, its process in the server, of which no two are the same.
  using Connections = std::multimap<std::string, std::string>;
  static Connections connections() {
    const std::string before = R"("connection_name",")";
    Connections all;
    for (const auto& row : ctl_rows("list_connections vhost pid client_properties")) {
      const std::size_t at = row.at(2).find(before);
      if (row[0] != own_vhost() || at == std::string::npos) continue;
      const std::string rest = row[2].substr(at + before.size());
      all.emplace(rest.substr(0, rest.find('"')), row[1]);
    }
    return all;
  }
  // Once these are all that there are: what another test has closed may be listed for a moment.
  static Connections connections(const std::vector<std::string>& names) {
    Connections all;
    std::vector<std::string> seen;
    EXPECT_TRUE(eventually([&] {
      all = connections();
      seen.clear();
      for (const auto& [name, pid] : all) seen.push_back(name);
      return seen == names;
    })) << testing::PrintToString(seen);
    return all;
  }
};

TEST_F(RabbitConnections, NobodyWhoIsSilentForThreeLeasesLosesHisOwnOrWhatItHolds) {
  Broker over = broker({{"lease_ms", "2000"}}), other = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  Session rival = other.open(GANDER_ROLE_CONSUME, "rival");
  producer.enqueue({message(1)});
  std::vector<Taken> keep;
  const auto held = take_until(consumer, 1, keep);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(rival.take(1).size(), 0U);
  const auto before = connections({"gander producer", "gander rival", "gander rival (publishes)",
                                   "gander w", "gander w (publishes)"});
  // The time passes in which the server ends a connection of which it hears nothing, and again.
  for (const auto end = steady_clock::now() + 6s; steady_clock::now() < end;) {
    EXPECT_EQ(rival.take(1).size(), 0U);
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_EQ(producer.enqueue({message(2)}).front(), GANDER_OK);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, held[0]), GANDER_OK);
  EXPECT_EQ(connections(), before);
  const auto next = take_until(rival, 1, keep);
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(number_of(next[0].id), 2U);
}

TEST_F(RabbitConnections, AWorkerHasTwoAndKeepsThemWhateverItDoes) {
  Broker theirs = broker(), over = broker();
  Session producer = theirs.open(GANDER_ROLE_PRODUCE);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  Session tender = over.open(GANDER_ROLE_TEND, "w");
  Session waiter = over.open(GANDER_ROLE_WAIT);
  const auto work = [&] {
    for (const auto op : {GANDER_SETTLE_ACK, GANDER_SETTLE_DEAD, GANDER_SETTLE_RETRY,
                          GANDER_SETTLE_GIVE_BACK, GANDER_SETTLE_SNOOZE}) {
      EXPECT_EQ(producer.enqueue({message(1)}).front(), GANDER_OK);
      std::vector<Taken> keep;
      gander_message held = take_until(consumer, 1, keep).at(0);
      held.run_at_us = op == GANDER_SETTLE_SNOOZE ? host.now_us + 1'000'000 : 0;
      EXPECT_EQ(consumer.settle(op, held), GANDER_OK);
      tender.tend();
      waiter.wait(1ms);
    }
  };
  work();
  const auto first = connections({"gander producer", "gander w", "gander w (publishes)"});
  for (int i = 0; i < 40; ++i) work();
  EXPECT_EQ(connections(), first);
}

TEST_F(RabbitConnections, EachDeclaresTheTopologyOnceAndTheNextOneAgain) {
  const auto exchanges = [] {
    std::vector<std::string> names;
    for (const auto& row : ctl_rows("list_exchanges -p " + own_vhost() + " name"))
      if (!row.empty()) names.push_back(row[0]);
    return names;
  };
  Broker over = broker();
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1), later(message(2), host, 1s)});
  ASSERT_TRUE(eventually([&] { return stranger->count(named("q.default.1")) == 2U; }));
  ASSERT_THAT(exchanges(), Contains(named("deliver")));
  stranger->remove_exchange(named("deliver"));
  EXPECT_EQ(producer.enqueue({message(3)}).front(), GANDER_OK);
  EXPECT_THAT(exchanges(), Not(Contains(named("deliver"))));
  ctl("close_all_connections --vhost " + own_vhost() + " test");
  EXPECT_TRUE(eventually([&] {
    try {
      return producer.enqueue({later(message(4), host, 1s)}).front() == GANDER_OK;
    } catch (const Failure& failure) {
      EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE)) << failure.what();
      return false;
    }
  }));
  EXPECT_THAT(exchanges(), Contains(named("deliver")));
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::set<std::uint64_t> came;
  EXPECT_TRUE(eventually([&] {
    for (const std::uint64_t n : consumer.take(4).numbers()) came.insert(n);
    return came == std::set<std::uint64_t>{1, 2, 3, 4};
  })) << testing::PrintToString(came);
}

}  // namespace
}  // namespace gander::test
