// inspect/1, manage/1 and health/1.
#include <gtest/gtest.h>

#include <functional>

#include "plugin.h"

using namespace gander::test;

namespace {

using Numbers = std::vector<std::uint64_t>;

struct Seen {
  Numbers numbers;
  std::vector<std::string> cursors;
  std::vector<std::uint32_t> states;
  std::size_t stop_after = SIZE_MAX;
};

std::int32_t see(void* user, const gander_message* m, gander_str cursor) noexcept {
  auto& seen = *static_cast<Seen*>(user);
  seen.numbers.push_back(number_of(m->id));
  seen.cursors.emplace_back(view(cursor));
  seen.states.push_back(m->state);
  return seen.numbers.size() >= seen.stop_after ? 1 : 0;
}

class Admin : public testing::Test {
 protected:
  Folder folder;
  FakeHost host;
  std::map<std::string, std::string> retention{
      {"dead_max_age_s", "100"}, {"dead_max_count", "3"}, {"dead_max_bytes", "1000"}};
  FileBroker broker{host, folder.file("jobs.db"), retention};
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "host:1");
  Session admin = broker.open(GANDER_ROLE_ADMIN);
  const gander_ext_inspect& inspect = broker.extension<gander_ext_inspect>(GANDER_EXT_INSPECT);
  const gander_ext_manage& manage = broker.extension<gander_ext_manage>(GANDER_EXT_MANAGE);

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
  Seen list(const std::string& queue, std::uint32_t state, const std::string& after = "",
            std::uint32_t limit = 100, std::size_t stop_after = SIZE_MAX) {
    Seen seen;
    seen.stop_after = stop_after;
    gander_error e = blank_error();
    must(inspect.messages(admin.raw(), nullptr, str(queue), state, str(after), limit, see, &seen,
                          &e),
         e);
    return seen;
  }
  gander_queue_stat stat(const std::string& queue) {
    struct Wanted {
      std::string queue;
      gander_queue_stat stat;
    } wanted{queue, {}};
    gander_error e = blank_error();
    must(inspect.queues(
             admin.raw(), nullptr,
             [](void* user, const gander_queue_stat* s) noexcept -> std::int32_t {
               auto& w = *static_cast<Wanted*>(user);
               if (view(s->queue) == w.queue) w.stat = *s;
               return 0;
             },
             &wanted, &e),
         e);
    return wanted.stat;
  }
  std::vector<gander_status> move(const Numbers& numbers, std::uint32_t to, std::uint32_t flags = 0,
                                  std::int64_t run_at = 0, const std::string& queue = "",
                                  const std::string& note = "") {
    std::vector<gander_id> ids;
    for (const auto n : numbers) ids.push_back(id_of(n));
    const gander_move_req req{sizeof req, static_cast<std::uint32_t>(ids.size()),
                              ids.data(), to,
                              flags,      run_at,
                              str(queue), str(note)};
    std::vector<gander_status> verdicts(ids.size(), GANDER_INTERNAL);
    gander_error e = blank_error();
    must(manage.move(admin.raw(), nullptr, &req, verdicts.data(), &e), e);
    return verdicts;
  }
  void pause(const std::string& queue, bool paused) {
    gander_error e = blank_error();
    must(manage.pause(admin.raw(), nullptr, str(queue), paused ? 1 : 0, &e), e);
  }
  std::uint64_t purge(const std::string& queue, std::uint32_t state, std::int64_t before = 0) {
    std::uint64_t n = 0;
    gander_error e = blank_error();
    must(manage.purge(admin.raw(), nullptr, str(queue), state, before, &n, &e), e);
    return n;
  }
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
  EXPECT_EQ(list("default", GANDER_STATE_RETRY).numbers, Numbers{5});
  EXPECT_EQ(list("", GANDER_STATE_DEAD).numbers, Numbers{6});
  EXPECT_EQ(list("default", GANDER_STATE_LEASED).numbers, Numbers{7});
  EXPECT_EQ(list("default", GANDER_STATE_SCHEDULED).numbers, Numbers{10});
}

TEST_F(Admin, ListsPageByPageInTheOrderOfTaking) {
  Numbers all;
  for (std::uint64_t n = 1; n <= 600; ++n) all.push_back(n);
  enqueue_many(600, [](std::uint64_t) { return "default"; });
  EXPECT_EQ(list("default", GANDER_STATE_READY, "", 1000).numbers, all);
  EXPECT_EQ(list("", GANDER_STATE_READY, "", 1000).numbers, all);
  Numbers paged;
  std::string after;
  for (Seen seen = list("default", GANDER_STATE_READY, after, 7); !seen.numbers.empty();
       seen = list("default", GANDER_STATE_READY, after, 7)) {
    paged.insert(paged.end(), seen.numbers.begin(), seen.numbers.end());
    after = seen.cursors.back();
  }
  EXPECT_EQ(paged, all);
  EXPECT_EQ(list("default", GANDER_STATE_READY, "", 100, 3).numbers, (Numbers{1, 2, 3}))
      << "the visitor stopped it";
  EXPECT_TRUE(list("nowhere", GANDER_STATE_READY).numbers.empty());
}

TEST_F(Admin, GoesOnBehindTheCursorOfAMessageThatHasGone) {
  for (std::uint64_t n = 1; n <= 4; ++n) enqueue(n);
  const Seen first = list("default", GANDER_STATE_READY, "", 2);
  consumer.settle(GANDER_SETTLE_ACK, consumer.take(2)[1]);
  EXPECT_EQ(list("default", GANDER_STATE_READY, first.cursors[1]).numbers, (Numbers{3, 4}));
}

TEST_F(Admin, RefusesAMadeUpCursor) {
  EXPECT_THROW(list("default", GANDER_STATE_READY, "nonsense"), Failure);
}

TEST_F(Admin, ListsTheDeadNewestFirstAndTheDueByTime) {
  kill(1, 300);
  kill(2, 500);
  kill(3, 400);
  EXPECT_EQ(list("doomed", GANDER_STATE_DEAD).numbers, (Numbers{2, 3, 1}));
  const Seen first = list("", GANDER_STATE_DEAD, "", 1);
  EXPECT_EQ(list("", GANDER_STATE_DEAD, first.cursors[0]).numbers, (Numbers{3, 1}));
  enqueue(4, "b", host.now_us + 20);
  enqueue(5, "a", host.now_us + 30);
  enqueue(6, "b", host.now_us + 10);
  EXPECT_EQ(list("", GANDER_STATE_SCHEDULED).numbers, (Numbers{6, 4, 5}));
  EXPECT_EQ(list("b", GANDER_STATE_SCHEDULED, list("b", GANDER_STATE_SCHEDULED).cursors[0]).numbers,
            Numbers{4});
}

TEST_F(Admin, GetsOneByIdInWhateverState) {
  enqueue(1);
  Seen seen;
  gander_error e = blank_error();
  gander_id id = id_of(1);
  ASSERT_EQ(inspect.get(admin.raw(), nullptr, &id, see, &seen, &e), GANDER_OK);
  consumer.take(1);
  ASSERT_EQ(inspect.get(admin.raw(), nullptr, &id, see, &seen, &e), GANDER_OK);
  EXPECT_EQ(seen.states, (std::vector<std::uint32_t>{GANDER_STATE_READY, GANDER_STATE_LEASED}));
  id = id_of(2);
  EXPECT_EQ(inspect.get(admin.raw(), nullptr, &id, see, &seen, &e), GANDER_NOT_FOUND);
}

TEST_F(Admin, PausesAQueueAndItsEnqueuesGoOn) {
  enqueue(1);
  pause("default", true);
  pause("default", true);
  enqueue(2);
  enqueue(3, "other");
  EXPECT_EQ(consumer.exchange({}, {"default", "other"}, 10).numbers(), Numbers{3});
  EXPECT_EQ(stat("default").paused, 1U);
  Session waiter = broker.open(GANDER_ROLE_WAIT);
  pause("default", false);
  EXPECT_EQ(waiter.wait(std::chrono::seconds(10)), GANDER_OK);
  EXPECT_EQ(consumer.take(10).numbers(), (Numbers{1, 2}));
  pause("empty", true);
  EXPECT_EQ(stat("empty").paused, 1U) << "a paused queue is listed";
}

TEST_F(Admin, MovesBetweenStatesAndQueues) {
  for (std::uint64_t n = 1; n <= 4; ++n) enqueue(n);
  kill(5, 77);
  EXPECT_EQ(move({3, 99}, GANDER_STATE_READY, GANDER_MOVE_FRONT),
            (std::vector<gander_status>{GANDER_OK, GANDER_NOT_FOUND}));
  EXPECT_EQ(list("default", GANDER_STATE_READY).numbers, (Numbers{3, 1, 2, 4}));
  move({1}, GANDER_STATE_READY, 0, 0, "other");
  EXPECT_EQ(list("other", GANDER_STATE_READY).numbers, Numbers{1});
  move({2}, GANDER_STATE_SCHEDULED, 0, host.now_us + 10);
  EXPECT_EQ(list("default", GANDER_STATE_SCHEDULED).numbers, Numbers{2});
  move({4}, GANDER_STATE_DEAD, 0, 0, "", "by hand");
  EXPECT_EQ(list("default", GANDER_STATE_DEAD).numbers, Numbers{4});
  move({5}, GANDER_STATE_READY, GANDER_MOVE_RESET_COUNTERS, 0, "default");
  const Taken taken = consumer.take(10);
  EXPECT_EQ(taken.numbers(), (Numbers{3, 5}));
  EXPECT_EQ(taken[1].failed_at_us, 0);
  EXPECT_EQ(move({3}, GANDER_STATE_READY).at(0), GANDER_INVALID_STATE) << "its worker has it";
}

TEST_F(Admin, RemovesByIdButNotFromAWorker) {
  for (std::uint64_t n = 1; n <= 3; ++n) enqueue(n);
  consumer.take(1);
  std::vector<gander_id> ids{id_of(1), id_of(2), id_of(9)};
  std::vector<gander_status> verdicts(3);
  gander_error e = blank_error();
  ASSERT_EQ(manage.remove(admin.raw(), nullptr, ids.data(), 3, verdicts.data(), &e), GANDER_OK);
  EXPECT_EQ(verdicts,
            (std::vector<gander_status>{GANDER_INVALID_STATE, GANDER_OK, GANDER_NOT_FOUND}));
  EXPECT_EQ(consumer.take(10).numbers(), Numbers{3});
}

TEST_F(Admin, PurgesByQueueStateAndAge) {
  enqueue_many(2500, [](std::uint64_t n) { return n % 2 == 0 ? "even" : "odd"; });
  EXPECT_EQ(purge("even", GANDER_STATE_READY, 101), 50U);
  EXPECT_EQ(stat("even").ready, 1200);
  EXPECT_EQ(purge("", GANDER_STATE_READY), 2450U);
  EXPECT_EQ(stat("odd").ready, 0);
  kill(3001, 10);
  kill(3002, 20);
  EXPECT_EQ(purge("", GANDER_STATE_DEAD, 20), 1U);
  EXPECT_EQ(list("", GANDER_STATE_DEAD).numbers, Numbers{3002});
  enqueue(3003, "default", host.now_us + 5);
  EXPECT_EQ(purge("default", GANDER_STATE_RETRY), 0U);
  EXPECT_EQ(purge("default", GANDER_STATE_SCHEDULED), 1U);
}

TEST_F(Admin, SaysHowManyWerePurgedInTheTimeAllowed) {
  for (std::uint64_t n = 1; n <= 10; ++n) enqueue(n);
  std::uint64_t n = 77;
  gander_error e = blank_error();
  const Call call(std::chrono::microseconds(0));
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
  EXPECT_EQ(list("", GANDER_STATE_DEAD).numbers, (Numbers{6, 5, 4}));
  kill(7, now, std::string(900, 'x'));
  kill(8, now + 1, std::string(99, 'x'));
  host.now_us += 11'000'000;
  EXPECT_EQ(tender.tend().trimmed, 3U);
  EXPECT_EQ(list("", GANDER_STATE_DEAD).numbers, (Numbers{8, 7}));
}

TEST_F(Admin, ReportsItsHealth) {
  const auto& health = broker.extension<gander_ext_health>(GANDER_EXT_HEALTH);
  std::int64_t rtt = -1, server_now = -1;
  gander_error e = blank_error();
  EXPECT_EQ(health.ping(admin.raw(), nullptr, &rtt, &server_now, &e), GANDER_OK);
  EXPECT_GE(rtt, 0);
  EXPECT_EQ(server_now, 0);
  std::vector<std::string> names;
  EXPECT_EQ(health.report(
                admin.raw(), nullptr,
                [](void* user, const gander_health_item* item) noexcept -> std::int32_t {
                  static_cast<std::vector<std::string>*>(user)->emplace_back(view(item->name));
                  return 0;
                },
                &names, &e),
            GANDER_OK);
  EXPECT_EQ(names.size(), 5U);
}

}  // namespace
