// inspect/1, manage/1 and health/1.
#include <gtest/gtest.h>

#include <functional>

#include "../support/expectations.h"
#include "../support/operator.h"
#include "plugin.h"

using namespace gander::test;

namespace {

class Admin : public testing::Test {
 protected:
  Folder folder;
  FakeHost host;
  std::map<std::string, std::string> retention{
      {"dead_max_age_s", "100"}, {"dead_max_count", "3"}, {"dead_max_bytes", "1000"}};
  FileBroker broker{host, folder.file("jobs.db"), retention};
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "host:1");
  Operator op{broker};

  void enqueue(std::uint64_t n, const std::string& queue = "default", std::int64_t run_at = 0) {
    Message m = message(n, queue);
    m.m.run_at_us = run_at;
    m.m.enqueued_at_us = static_cast<std::int64_t>(n);
    ASSERT_EQ(producer.enqueue({m}).at(0), GANDER_OK);
  }
  // The numbers from 1 on, in one call after another of 500; queue_of says where each goes.
  void enqueue_many(std::uint64_t last, const std::function<std::string(std::uint64_t)>& queue_of) {
    for (std::uint64_t n = 1; n <= last;) {
      std::vector<Message> batch;
      for (; n <= last && batch.size() < 500; ++n) {
        batch.push_back(message(n, queue_of(n)));
        batch.back().m.enqueued_at_us = static_cast<std::int64_t>(n);
      }
      producer.enqueue(batch);
    }
  }
  void kill(std::uint64_t n, std::int64_t died_at, const std::string& body = "{}") {
    enqueue(n, "doomed");
    const Taken taken = consumer.take(1, "doomed");
    gander_message dead = taken[0];
    dead.failed_at_us = died_at;
    dead.body = bytes(body);
    ASSERT_EQ(consumer.settle(GANDER_SETTLE_DEAD, dead), GANDER_OK);
  }
  gander_queue_stat stat(const std::string& queue) { return op.queues()[queue]; }
};

TEST_F(Admin, CountsEachState) {
  for (std::uint64_t n = 5; n <= 9; ++n) enqueue(n);
  enqueue(10, "default", host.now_us + 1000);
  const Taken taken = consumer.take(3);
  gander_message later = taken[0];
  later.run_at_us = host.now_us + 1000;
  consumer.settle(GANDER_SETTLE_RETRY, later);
  consumer.settle(GANDER_SETTLE_DEAD, taken[1]);
  const gander_queue_stat s = stat("default");
  EXPECT_EQ(s.ready, 2);
  EXPECT_EQ(s.scheduled, 1);
  EXPECT_EQ(s.leased, 1);
  EXPECT_EQ(s.retry, 1);
  EXPECT_EQ(s.dead, 1);
  EXPECT_EQ(s.oldest_ready_us, 8);
  EXPECT_EQ(op.list(GANDER_STATE_RETRY, "default"), Numbers{5});
  EXPECT_EQ(op.list(GANDER_STATE_DEAD, ""), Numbers{6});
  EXPECT_EQ(op.list(GANDER_STATE_LEASED, "default"), Numbers{7});
  EXPECT_EQ(op.list(GANDER_STATE_SCHEDULED, "default"), Numbers{10});
}

TEST_F(Admin, ListsPageByPageInTheOrderOfTaking) {
  Numbers all;
  for (std::uint64_t n = 1; n <= 600; ++n) all.push_back(n);
  enqueue_many(600, [](std::uint64_t) { return "default"; });
  EXPECT_EQ(op.page(GANDER_STATE_READY, "default", 1000).numbers, all);
  EXPECT_EQ(op.page(GANDER_STATE_READY, "", 1000).numbers, all);
  Numbers paged;
  std::string after;
  for (auto seen = op.page(GANDER_STATE_READY, "default", 7, after); !seen.numbers.empty();
       seen = op.page(GANDER_STATE_READY, "default", 7, after)) {
    paged.insert(paged.end(), seen.numbers.begin(), seen.numbers.end());
    after = seen.cursors.back();
  }
  EXPECT_EQ(paged, all);
  EXPECT_EQ(op.page(GANDER_STATE_READY, "default", 100, "", 3).numbers, (Numbers{1, 2, 3}))
      << "the visitor stopped it";
  EXPECT_TRUE(op.list(GANDER_STATE_READY, "nowhere").empty());
}

TEST_F(Admin, GoesOnBehindTheCursorOfAMessageThatHasGone) {
  for (std::uint64_t n = 1; n <= 4; ++n) enqueue(n);
  const auto first = op.page(GANDER_STATE_READY, "default", 2);
  consumer.settle(GANDER_SETTLE_ACK, consumer.take(2)[1]);
  EXPECT_EQ(op.page(GANDER_STATE_READY, "default", 100, first.cursors[1]).numbers, (Numbers{3, 4}));
}

TEST_F(Admin, RefusesAMadeUpCursor) {
  EXPECT_THROW(op.page(GANDER_STATE_READY, "default", 100, "nonsense"), Failure);
}

TEST_F(Admin, ListsTheDeadNewestFirstAndTheDueByTime) {
  kill(1, 300);
  kill(2, 500);
  kill(3, 400);
  EXPECT_EQ(op.list(GANDER_STATE_DEAD, "doomed"), (Numbers{2, 3, 1}));
  const auto first = op.page(GANDER_STATE_DEAD, "", 1);
  EXPECT_EQ(op.page(GANDER_STATE_DEAD, "", 100, first.cursors[0]).numbers, (Numbers{3, 1}));
  enqueue(4, "b", host.now_us + 20);
  enqueue(5, "a", host.now_us + 30);
  enqueue(6, "b", host.now_us + 10);
  EXPECT_EQ(op.list(GANDER_STATE_SCHEDULED, ""), (Numbers{6, 4, 5}));
  EXPECT_EQ(
      op.page(GANDER_STATE_SCHEDULED, "b", 100, op.page(GANDER_STATE_SCHEDULED, "b").cursors[0])
          .numbers,
      Numbers{4});
}

TEST_F(Admin, GetsOneByIdInWhateverState) {
  enqueue(1);
  EXPECT_EQ(op.get(1).states, std::vector<std::uint32_t>{GANDER_STATE_READY});
  consumer.take(1);
  EXPECT_EQ(op.get(1).states, std::vector<std::uint32_t>{GANDER_STATE_LEASED});
  EXPECT_EQ(error_of([&] { op.get(2); }).code, GANDER_NOT_FOUND);
}

TEST_F(Admin, PausesAQueueAndItsEnqueuesGoOn) {
  enqueue(1);
  op.pause(true, "default");
  op.pause(true, "default");
  enqueue(2);
  enqueue(3, "other");
  EXPECT_EQ(consumer.exchange({}, {"default", "other"}, 10).numbers(), Numbers{3});
  EXPECT_EQ(stat("default").paused, 1U);
  Session waiter = broker.open(GANDER_ROLE_WAIT);
  op.pause(false, "default");
  EXPECT_EQ(waiter.wait(std::chrono::seconds(10)), GANDER_OK);
  EXPECT_EQ(consumer.take(10).numbers(), (Numbers{1, 2}));
  op.pause(true, "empty");
  EXPECT_EQ(stat("empty").paused, 1U) << "a paused queue is listed";
}

TEST_F(Admin, MovesBetweenStatesAndQueues) {
  for (std::uint64_t n = 1; n <= 4; ++n) enqueue(n);
  kill(5, 77);
  EXPECT_EQ(op.move({3, 99}, {GANDER_STATE_READY, "", GANDER_MOVE_FRONT}),
            (Statuses{GANDER_OK, GANDER_NOT_FOUND}));
  EXPECT_EQ(op.list(GANDER_STATE_READY, "default"), (Numbers{3, 1, 2, 4}));
  op.move({1}, {GANDER_STATE_READY, "other"});
  EXPECT_EQ(op.list(GANDER_STATE_READY, "other"), Numbers{1});
  op.move({2}, {GANDER_STATE_SCHEDULED, "", 0, host.now_us + 10});
  EXPECT_EQ(op.list(GANDER_STATE_SCHEDULED, "default"), Numbers{2});
  op.move({4}, {GANDER_STATE_DEAD, "", 0, 0, "by hand"});
  EXPECT_EQ(op.list(GANDER_STATE_DEAD, "default"), Numbers{4});
  op.move({5}, {GANDER_STATE_READY, "default", GANDER_MOVE_RESET_COUNTERS});
  const Taken taken = consumer.take(10);
  EXPECT_EQ(taken.numbers(), (Numbers{3, 5}));
  EXPECT_EQ(taken[1].failed_at_us, 0);
  EXPECT_EQ(op.move({3}, {GANDER_STATE_READY}).at(0), GANDER_INVALID_STATE) << "its worker has it";
}

TEST_F(Admin, RemovesByIdButNotFromAWorker) {
  for (std::uint64_t n = 1; n <= 3; ++n) enqueue(n);
  consumer.take(1);
  EXPECT_EQ(op.remove({1, 2, 9}), (Statuses{GANDER_INVALID_STATE, GANDER_OK, GANDER_NOT_FOUND}));
  EXPECT_EQ(consumer.take(10).numbers(), Numbers{3});
}

TEST_F(Admin, PurgesByQueueStateAndAge) {
  enqueue_many(2500, [](std::uint64_t n) { return n % 2 == 0 ? "even" : "odd"; });
  EXPECT_EQ(op.purge(GANDER_STATE_READY, "even", 101), 50U);
  EXPECT_EQ(stat("even").ready, 1200);
  EXPECT_EQ(op.purge(GANDER_STATE_READY, ""), 2450U);
  EXPECT_EQ(stat("odd").ready, 0);
  kill(3001, 10);
  kill(3002, 20);
  EXPECT_EQ(op.purge(GANDER_STATE_DEAD, "", 20), 1U);
  EXPECT_EQ(op.list(GANDER_STATE_DEAD, ""), Numbers{3002});
  enqueue(3003, "default", host.now_us + 5);
  EXPECT_EQ(op.purge(GANDER_STATE_RETRY, "default"), 0U);
  EXPECT_EQ(op.purge(GANDER_STATE_SCHEDULED, "default"), 1U);
}

TEST_F(Admin, SaysHowManyWerePurgedInTheTimeAllowed) {
  for (std::uint64_t n = 1; n <= 10; ++n) enqueue(n);
  std::uint64_t n = 77;
  gander_error e = blank_error();
  const Call call(std::chrono::microseconds(0));
  Session admin = broker.open(GANDER_ROLE_ADMIN);
  const auto& manage = broker.extension<gander_ext_manage>(GANDER_EXT_MANAGE);
  EXPECT_EQ(manage.purge(admin.raw(), &call, str("default"), GANDER_STATE_READY, 0, &n, &e),
            GANDER_TIMEOUT);
  EXPECT_EQ(n, 0U);
  EXPECT_EQ(stat("default").ready, 10);
}

TEST_F(Admin, TrimsTheDeadByAgeNumberAndSize) {
  Session tender = broker.open(GANDER_ROLE_TEND, "host:1");
  const std::int64_t now = host.now_us;
  kill(1, now - 200'000'000);
  for (std::uint64_t n = 2; n <= 6; ++n) kill(n, now - 10 + static_cast<std::int64_t>(n));
  EXPECT_EQ(tender.tend().trimmed, 3U) << "one by age, two by number";
  EXPECT_EQ(op.list(GANDER_STATE_DEAD, ""), (Numbers{6, 5, 4}));
  kill(7, now, std::string(900, 'x'));
  kill(8, now + 1, std::string(99, 'x'));
  host.now_us += 11'000'000;
  EXPECT_EQ(tender.tend().trimmed, 3U);
  EXPECT_EQ(op.list(GANDER_STATE_DEAD, ""), (Numbers{8, 7}));
}

TEST_F(Admin, ReportsItsHealth) {
  const auto& health = broker.extension<gander_ext_health>(GANDER_EXT_HEALTH);
  std::int64_t rtt = -1, server_now = -1;
  gander_error e = blank_error();
  Session admin = broker.open(GANDER_ROLE_ADMIN);
  EXPECT_EQ(health.ping(admin.raw(), nullptr, &rtt, &server_now, &e), GANDER_OK);
  EXPECT_GE(rtt, 0);
  EXPECT_EQ(server_now, 0);
  EXPECT_EQ(op.health().size(), 5U);
}

}  // namespace
