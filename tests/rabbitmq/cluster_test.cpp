// A cluster of three nodes of which some go away. It is the tests' own: tests/rabbitmq/cluster
// makes it, kills its nodes and starts them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <thread>

#include "../support/output_of.h"
#include "server.h"

namespace gander::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

// As cluster("kill 2"); what it prints.
std::string cluster(const std::string& arguments) {
  std::string text = output_of(std::string(GANDER_RABBITMQ_CLUSTER_TOOL) + " " + arguments);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class RabbitCluster : public testing::Test {
 protected:
  void SetUp() override {
    const char* all = std::getenv("GANDER_TEST_RABBITMQ_CLUSTER_URL");
    if (all == nullptr) GTEST_SKIP() << "it needs a cluster: tests/rabbitmq/cluster run ...";
    url = all;
    static int serial = 0;
    prefix = "c" + std::to_string(++serial);
  }
  Broker broker(const std::string& at) {
    return {host, {{"url", at}, {"prefix", prefix}, {"new_queue_wait_ms", "0"}}};
  }
  // With the same ids until it is stored.
  void enqueue(Broker& over, std::optional<Session>& producer, const Message& m) {
    EXPECT_TRUE(eventually([&] {
      try {
        if (!producer) producer.emplace(over.open(GANDER_ROLE_PRODUCE));
        return producer->enqueue({m}).front() == GANDER_OK;
      } catch (const Failure& failure) {
        EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE)) << failure.what();
        if (has(failure.error, GANDER_ERROR_RECONNECT)) producer.reset();
        return false;
      }
    }));
  }

  FakeHost host;
  std::string url, prefix;
};

// A worker that begins a new session when its own was lost, as the host does.
struct Worker {
  Worker(Broker& its_broker, std::string its_name) : over(its_broker), name(std::move(its_name)) {}
  bool work(const std::vector<std::string>& queues) {
    try {
      if (!session)
        session.emplace(over.open(GANDER_ROLE_CONSUME, name + std::to_string(++sessions)));
      const Taken taken = session->exchange({}, queues, 10);
      std::vector<Settle> acks;
      for (std::size_t i = 0; i < taken.size(); ++i) acks.push_back({GANDER_SETTLE_ACK, taken[i]});
      session->exchange(acks, {}, 0);
      for (const Settle& s : acks) came.insert(number_of(s.message.id));
      return true;
    } catch (const Failure& failure) {
      EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE) ||
                  failure.error.code == GANDER_LEASE_LOST)
          << failure.what();
      session.reset();
      return false;
    }
  }
  Broker& over;
  std::string name;
  std::optional<Session> session;
  int sessions = 0;
  std::set<std::uint64_t> came;
};

TEST_F(RabbitCluster, ANodeThatIsKilledUnderProducerAndWorkerCostsNothing) {
  Broker over = broker(url);
  std::optional<Session> producer;
  Worker worker(over, "w");
  std::uint64_t n = 0;
  // The first is the one that they are connected to.
  for (const char* node : {"3", "1"}) {
    for (int i = 0; i < 200; ++i) {
      if (i == 100) cluster(std::string("kill ") + node);
      enqueue(over, producer, message(++n));
      if (i % 10 == 0) worker.work({"default"});
    }
    EXPECT_TRUE(eventually([&] {
      worker.work({"default"});
      return worker.came.size() == n;
    }));
    EXPECT_EQ(worker.sessions, node[0] == '3' ? 1 : 2);
    cluster(std::string("start ") + node);
  }
}

// One queue is on the node that stays, the others on all three; of these one is led by it and one
// is not.
TEST_F(RabbitCluster, QueuesWhoseMajorityIsAwayHoldUpNoOthersAndComeBack) {
  Broker over = broker(cluster("url 1"));
  Session producer = over.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1, "steady")});
  for (const char* node : {"2", "3"})
    cluster("ctl 1 eval \"rabbit_quorum_queue:shrink_all('" + cluster(std::string("name ") + node) +
            "').\"");
  producer.enqueue({message(2, "led")});
  broker(cluster("url 2")).open(GANDER_ROLE_PRODUCE).enqueue({message(3, "unled")});
  Worker worker(over, "w");
  EXPECT_TRUE(eventually([&] {
    worker.work({"led", "unled", "steady"});
    return worker.came.size() == 3;
  }));
  cluster("kill 2");
  cluster("kill 3");

  for (const char* away : {"led", "unled"}) {
    gander_error e = error_of([&] { producer.enqueue({message(4, away)}); });
    EXPECT_EQ(e.code, GANDER_UNAVAILABLE) << e.message;
    EXPECT_TRUE(has(e, GANDER_ERROR_RETRYABLE));
    EXPECT_THAT(e.message, HasSubstr(std::string("'") + away + "'"));
    // It is known by now, so nothing is sent.
    e = error_of([&] { producer.enqueue({message(4, away)}, Call(500ms)); });
    EXPECT_EQ(e.code, GANDER_UNAVAILABLE) << e.message;
    EXPECT_FALSE(has(e, GANDER_ERROR_MAYBE_APPLIED));
    EXPECT_EQ(producer.enqueue({message(5, "steady")}).front(), GANDER_OK);
  }
  const auto others_go_on = [&](Worker& each, const std::vector<std::string>& its,
                                std::uint64_t n) {
    EXPECT_EQ(producer.enqueue({message(n, "steady")}).front(), GANDER_OK);
    EXPECT_TRUE(eventually([&] {
      each.work(its);
      return each.came.contains(n);
    }));
  };
  others_go_on(worker, {"led", "unled", "steady"}, 6);
  EXPECT_EQ(worker.sessions, 1) << "it holds what it held";
  // One that has not heard of it meets it once.
  Broker elsewhere = broker(cluster("url 1"));
  Worker stranger(elsewhere, "v");
  others_go_on(stranger, {"led", "steady"}, 7);
  EXPECT_LE(stranger.sessions, 2);
  others_go_on(stranger, {"led", "steady"}, 8);
  EXPECT_EQ(host.warnings_of("'led' does not answer").size(), 2U) << "once of each";
  const int before = stranger.sessions;

  cluster("start 2");
  for (const char* back : {"led", "unled"}) {
    EXPECT_TRUE(eventually([&] {
      try {
        return producer.enqueue({message(back[0] == 'l' ? 9U : 10U, back)}).front() == GANDER_OK;
      } catch (const Failure& failure) {
        EXPECT_EQ(failure.error.code, GANDER_UNAVAILABLE) << failure.what();
        return false;
      }
    }));
  }
  EXPECT_TRUE(eventually([&] {
    worker.work({"led", "unled", "steady"});
    stranger.work({"led", "steady"});
    std::set<std::uint64_t> both = worker.came;
    both.merge(std::set(stranger.came));
    return both.contains(9) && both.contains(10);
  }));
  EXPECT_EQ(worker.sessions, 1);
  EXPECT_EQ(stranger.sessions, before);
  cluster("start 3");
}

}  // namespace
}  // namespace gander::test
