// What a worker's session does while it works: what it takes next, and what it keeps.
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <sstream>

#include "server.h"

namespace gander::test {
namespace {

using RabbitWorker = RabbitTest;

// Each settle makes room for one more to be pushed, which is not there yet when the next is taken.
TEST_F(RabbitWorker, WhatIsMoreUrgentComesFirstAlsoWhileJobsEndOneByOne) {
  constexpr std::size_t kEach = 60, kRoom = 6;
  Broker over = broker();
  std::vector<Message> all;
  for (std::size_t i = 0; i < kEach; ++i) {
    all.push_back(message(1000 + i));
    all.back().m.priority = GANDER_PRIORITY_LOW;
    all.push_back(message(1 + i));
  }
  over.open(GANDER_ROLE_PRODUCE).enqueue(all);
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  std::vector<std::uint64_t> order;
  std::deque<gander_message> running;
  const auto begin = [&](Taken taken) {
    for (std::size_t i = 0; i < taken.size(); ++i) {
      running.push_back(taken[i]);
      order.push_back(number_of(taken[i].id));
    }
    keep.push_back(std::move(taken));
  };
  EXPECT_TRUE(eventually([&] {
    if (running.size() < kRoom) {
      begin(consumer.take(static_cast<std::uint32_t>(kRoom - running.size())));
    } else {
      begin(consumer.exchange({{GANDER_SETTLE_ACK, running.front()}}, {"default"}, 1));
      running.pop_front();
    }
    return order.size() == 2 * kEach || (order.size() < 2 * kEach && running.size() > kRoom);
  }));
  ASSERT_GE(order.size(), 2 * kEach);
  // But for the few for which a busy server made it wait too long.
  const auto end = order.begin() + kEach;
  EXPECT_LE(std::count_if(order.begin(), end, [](std::uint64_t n) { return n > kEach; }), 3);
  for (const gander_message& m : running) consumer.settle(GANDER_SETTLE_ACK, m);
}

TEST_F(RabbitWorker, ARetryWaitsWhileTheServerRefusesThePublishersLogin) {
  const std::string user = "retries-" + prefix;
  const ServerUser login(user, "right");
  login.grant(".*", ".*", ".*");
  Broker over = broker({{"url", url_as(user + ":right")}});
  broker().open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  Session consumer = over.open(GANDER_ROLE_CONSUME, "w");
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 1, keep);
  ASSERT_EQ(taken.size(), 1U);
  ctl("change_password " + user + " other");
  std::istringstream lines(ctl("list_connections pid user client_properties"));
  for (std::string line; std::getline(lines, line);)
    if (line.find(user) != std::string::npos && line.find("(publishes)") != std::string::npos)
      ctl("close_connection '" + line.substr(0, line.find('\t')) + "' test");
  const auto verdict = [&]() -> gander_status {
    try {
      return consumer.settle(GANDER_SETTLE_RETRY, taken[0]);
    } catch (const Failure& failure) {
      EXPECT_TRUE(has(failure.error, GANDER_ERROR_RETRYABLE)) << failure.what();
      return failure.error.code;
    }
  };
  // The end of its connection may not have been read at the first.
  EXPECT_TRUE(eventually([&] { return verdict() == GANDER_UNAUTHENTICATED; }));
  ctl("change_password " + user + " right");
  EXPECT_TRUE(eventually([&] { return verdict() == GANDER_OK; }));
}

}  // namespace
}  // namespace gander::test
