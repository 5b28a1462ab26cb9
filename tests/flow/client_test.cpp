// Enqueuing over the real SQLite broker from many threads, and with no broker to be had.
#include <set>

#include "support.h"

namespace {

using namespace std::chrono_literals;

void nothing(int) {}
constexpr gander::Job<"flow.nothing", nothing> kNothing;

class ClientFlow : public Flow {};

TEST_F(ClientFlow, ConcurrentEnqueuesAreAllStoredOnce) {
  constexpr int kThreads = 16;
  constexpr int kEach = 50;
  const gander::Broker b = broker();
  const gander::Client client(b);
  std::vector<std::vector<gander::Id>> ids(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : ids)
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) mine.push_back(client.enqueue(kNothing, i));
      });
  }
  std::set<gander::Id> stored;
  gander::Admin(b).each(gander::State::ready, "", "", [&](const gander::MessageView& m) {
    stored.insert(m.id);
    return true;
  });
  EXPECT_EQ(stored.size(), static_cast<std::size_t>(kThreads * kEach));
  for (const auto& mine : ids)
    for (const auto& id : mine) EXPECT_TRUE(stored.contains(id));
}

TEST_F(ClientFlow, FuturesAreKeptEvenWhenTheClientEndsFirst) {
  std::vector<std::future<gander::Id>> futures;
  {
    const gander::Client client(broker());
    for (int i = 0; i < 500; ++i) futures.push_back(client.enqueue_async(kNothing, i));
  }
  for (auto& f : futures) EXPECT_FALSE(f.get().is_nil());
  EXPECT_EQ(count(gander::State::ready), 500);
}

TEST_F(ClientFlow, WithoutABrokerItFailsWithinItsDeadlineAndSaysWhy) {
  const gander::Client client(
      gander::Broker("sqlite:" + folder_ + "/none/jobs.db", gander::Config{}));
  const auto begin = std::chrono::steady_clock::now();
  try {
    client.within(200ms).enqueue(kNothing, 1);
    FAIL();
  } catch (const gander::Error& e) {
    EXPECT_NE(std::string(e.what()).find(folder_ + "/none"), std::string::npos) << e.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(ClientFlow, OneTooLargeMessageDoesNotHarmTheOthersOfItsBatch) {
  const gander::Broker b = broker();
  const gander::Client client(b);
  std::atomic<int> refused{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 20; ++i) {
          try {
            if (t == 0)
              client.enqueue_json("flow.nothing", "[\"" + std::string(1U << 20U, 'x') + "\"]");
            else
              client.enqueue(kNothing, i);
          } catch (const gander::Error& e) {
            EXPECT_EQ(e.code(), gander::Code::too_large);
            ++refused;
          }
        }
      });
  }
  EXPECT_EQ(refused, 20);
  EXPECT_EQ(count(gander::State::ready), 7 * 20);
}

}  // namespace
