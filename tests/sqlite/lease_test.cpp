// A lease lives as long as its process, and not a moment longer.
#include <gtest/gtest.h>

#include <thread>

#include "child.h"
#include "plugin.h"

using namespace gander::test;

namespace {

using Numbers = std::vector<std::uint64_t>;

class Leases : public testing::Test {
 protected:
  Folder folder;
  std::string path = folder.file("jobs.db");
  FakeHost host;
  FileBroker broker{host, path};
  Session producer = broker.open(GANDER_ROLE_PRODUCE);

  void enqueue(std::uint64_t first, std::uint64_t last) {
    std::vector<Message> all;
    for (std::uint64_t n = first; n <= last; ++n) all.push_back(message(n));
    producer.enqueue(all);
  }
};

TEST_F(Leases, OfAKilledProcessAreHandedOnAtTheNextTend) {
  enqueue(1, 5);
  Child child({"hold", path, "victim:1", "3"});
  ASSERT_EQ(child.line(), "held 3");
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "heir:1");
  Session tender = broker.open(GANDER_ROLE_TEND, "heir:1");
  EXPECT_EQ(tender.tend().reclaimed, 0U) << "its process lives";
  child.kill9();
  EXPECT_EQ(tender.tend().reclaimed, 3U);
  const Taken taken = consumer.take(10);
  EXPECT_EQ(taken.numbers(), (Numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(taken[0].crashes, 1U);
  EXPECT_EQ(taken[3].crashes, 0U);
  EXPECT_EQ(tender.tend().reclaimed, 0U) << "once";
  EXPECT_FALSE(std::filesystem::exists(path + "-leases/w.victim:1"));
}

TEST_F(Leases, OfTheDeadAreHandedOnOnceByManyReapers) {
  constexpr int kReapers = 6;
  std::vector<Session> consumers, tenders;
  for (int i = 0; i < kReapers; ++i) {
    consumers.push_back(broker.open(GANDER_ROLE_CONSUME, "r" + std::to_string(i)));
    tenders.push_back(broker.open(GANDER_ROLE_TEND, "r" + std::to_string(i)));
  }
  for (int round = 0; round < 10; ++round) {
    enqueue(static_cast<std::uint64_t>(round) * 100 + 1,
            static_cast<std::uint64_t>(round) * 100 + 50);
    Child child({"hold", path, "victim:" + std::to_string(round), "50"});
    ASSERT_EQ(child.line(), "held 50");
    child.kill9();
    std::atomic<std::uint64_t> reclaimed{0};
    {
      std::vector<std::jthread> threads;
      for (auto& tender : tenders)
        threads.emplace_back([&] { reclaimed += tender.tend().reclaimed; });
    }
    EXPECT_EQ(reclaimed, 50U);
    const Taken taken = consumers[0].take(100);
    ASSERT_EQ(taken.size(), 50U);
    EXPECT_EQ(taken[49].crashes, 1U);
  }
}

TEST_F(Leases, BeginWhileReapersLook) {
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "reaper");
  Session tender = broker.open(GANDER_ROLE_TEND, "reaper");
  std::jthread reaper([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) tender.tend();
  });
  for (int i = 0; i < 100; ++i) {
    Session born = broker.open(GANDER_ROLE_CONSUME, "born:" + std::to_string(i));
    enqueue(static_cast<std::uint64_t>(i) + 1, static_cast<std::uint64_t>(i) + 1);
    const Taken taken = born.take(1);
    ASSERT_EQ(taken.size(), 1U);
    ASSERT_EQ(born.settle(GANDER_SETTLE_ACK, taken[0]), GANDER_OK) << "nobody took it for dead";
  }
}

TEST_F(Leases, AreGivenBackUnharmedByAClose) {
  enqueue(1, 3);
  Session closing = broker.open(GANDER_ROLE_CONSUME, "closing");
  Taken held = closing.take(2);
  closing.close();
  EXPECT_EQ(number_of(held[0].id), 1U) << "a batch outlives its session";
  const Taken taken = broker.open(GANDER_ROLE_CONSUME, "next").take(10);
  EXPECT_EQ(taken.numbers(), (Numbers{1, 2, 3}));
  EXPECT_EQ(taken[0].give_backs, 1U);
  EXPECT_EQ(taken[0].crashes, 0U);
  EXPECT_EQ(taken[2].give_backs, 0U);
}

TEST_F(Leases, AreOfOneLifeAtATime) {
  Session first = broker.open(GANDER_ROLE_CONSUME, "same");
  try {
    broker.open(GANDER_ROLE_CONSUME, "same");
    FAIL() << "it lives already";
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.code, GANDER_INVALID_STATE);
  }
  FileBroker elsewhere(host, path);
  EXPECT_THROW(elsewhere.open(GANDER_ROLE_CONSUME, "same"), Failure);
  first.close();
  broker.open(GANDER_ROLE_CONSUME, "same");
}

TEST_F(Leases, ThatWereEndedAreTold) {
  enqueue(1, 1);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "lost");
  Session tender = broker.open(GANDER_ROLE_TEND, "lost");
  const Taken taken = consumer.take(1);
  // As after an operator deleted its lock file: nobody can show any more that it lives.
  std::filesystem::remove(path + "-leases/w.lost");
  Session other = broker.open(GANDER_ROLE_CONSUME, "other");
  EXPECT_EQ(broker.open(GANDER_ROLE_TEND, "other").tend().reclaimed, 1U);
  const auto code_of = [](const auto& call) {
    try {
      call();
    } catch (const Failure& f) {
      return f.error.code;
    }
    return gander_status{GANDER_OK};
  };
  EXPECT_EQ(code_of([&] { consumer.settle(GANDER_SETTLE_ACK, taken[0]); }), GANDER_LEASE_LOST);
  EXPECT_EQ(code_of([&] { consumer.take(1); }), GANDER_LEASE_LOST);
  EXPECT_EQ(code_of([&] { tender.tend(); }), GANDER_LEASE_LOST);
  EXPECT_EQ(other.take(1).numbers(), Numbers{1}) << "the late verdict had no effect";
}

TEST_F(Leases, LeaveNoStrayFiles) {
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "a");
  const std::string stray = path + "-leases/w.died:before:it:registered";
  std::fclose(std::fopen(stray.c_str(), "w"));
  broker.open(GANDER_ROLE_TEND, "a").tend();
  EXPECT_FALSE(std::filesystem::exists(stray));
  EXPECT_TRUE(std::filesystem::exists(path + "-leases/w.a"));
}

TEST_F(Leases, AcceptEveryNameThatTheHostMayChoose) {
  for (const char* name : {".", "..", "host:123:abc", "-", "a.b_c-d:e"})
    broker.open(GANDER_ROLE_CONSUME, name);
}

}  // namespace
