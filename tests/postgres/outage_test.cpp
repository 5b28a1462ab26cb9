// The PostgreSQL broker when the connection or the server fails in the middle: what is told is
// true, and nothing is lost.
#include <gmock/gmock.h>

#include <cstdio>
#include <functional>
#include <set>
#include <thread>

#include "database.h"

namespace gander::test {
namespace {

using PostgresOutage = PostgresTest;

std::set<std::uint64_t> drain(Session& consumer) {
  std::set<std::uint64_t> all;
  for (;;) {
    const Taken taken = consumer.take(100);
    if (taken.size() == 0) return all;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      all.insert(number_of(taken[i].id));
      consumer.settle(GANDER_SETTLE_ACK, taken[i]);
    }
  }
}

// Enqueues until an answer is lost; which number that was.
std::uint64_t enqueue_unanswered(Broker& b, Proxy& proxy,
                                 const std::function<Message(std::uint64_t)>& made) {
  static std::uint64_t n = 100;
  Session producer = b.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({made(++n)});  // so that the number of the queue is known
  for (;;) {
    // The bell rings on a connection of its own, and may be the one whose answer is lost.
    proxy.drop_reply();
    try {
      producer.enqueue({made(++n)});
    } catch (const Failure& lost) {
      EXPECT_EQ(lost.error.flags, kLost);
      return n;
    }
  }
}

std::string uuid_of(std::uint64_t n) {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-0000-0000-%012llx",
                static_cast<unsigned long long>(n));
  return text;
}

TEST_F(PostgresOutage, ReplyLostAfterAnEnqueueWasApplied) {
  Proxy proxy(port_of(url));
  Broker b = broker_at(with_port(url, proxy.port()));
  Session producer = b.open(GANDER_ROLE_PRODUCE);
  proxy.drop_reply();
  const gander_error e = error_of([&] { producer.enqueue({message(1)}); });
  // It may be the question for the queue's number that was hit; that one changes nothing else.
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_EQ(e.flags, kLost);
  const gander_error again = error_of([&] { producer.enqueue({message(1)}); });
  EXPECT_EQ(again.flags, GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT);
  const std::uint64_t n = enqueue_unanswered(b, proxy, [](std::uint64_t i) { return message(i); });
  EXPECT_EQ(b.open(GANDER_ROLE_PRODUCE).enqueue({message(n)}).front(), GANDER_DUPLICATE);
}

TEST_F(PostgresOutage, ReplyLostAfterAnExchangeWasApplied) {
  Proxy proxy(port_of(url));
  Broker direct = broker(), b = broker_at(with_port(url, proxy.port()));
  direct.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2)});
  {
    Session consumer = b.open(GANDER_ROLE_CONSUME, "w");
    const Taken first = consumer.take(1);
    proxy.drop_reply();
    EXPECT_EQ(error_of([&] {
                consumer.exchange({{GANDER_SETTLE_ACK, first[0]}}, {"default"}, 1);
              }).flags,
              kLost);
  }
  // 1 was acked. 2 was leased to one that never saw it; closing said so over another connection.
  const Taken again = direct.open(GANDER_ROLE_CONSUME, "next").take(5);
  ASSERT_EQ(again.numbers(), std::vector<std::uint64_t>{2});
  EXPECT_EQ(again[0].crashes, 0U);
  EXPECT_EQ(again[0].give_backs, 1U);
}

TEST_F(PostgresOutage, IncarnationThatCouldNotSayItsEndLosesItsLease) {
  Proxy proxy(port_of(url));
  Broker direct = broker(), b = broker_at(with_port(url, proxy.port()));
  direct.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  {
    Session consumer = b.open(GANDER_ROLE_CONSUME, "w");
    ASSERT_EQ(consumer.take(1).size(), 1U);
    proxy.refuse();
  }
  Session consumer = direct.open(GANDER_ROLE_CONSUME, "next");
  Session tender = direct.open(GANDER_ROLE_TEND, "next");
  EXPECT_EQ(sql->number("SELECT count(*) FROM \"" + schema + "\".inflight"), 1);
  while (sql->number("SELECT count(*) FROM \"" + schema + "\".ready") == 0) tender.tend();
  const Taken again = consumer.take(5);
  ASSERT_EQ(again.numbers(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(again[0].crashes, 1U);
}

// The machine of the old primary is off: nothing answers there, not even that nobody is at home.
TEST_F(PostgresOutage, SecondHostIsReachedWhenTheFirstIsSilent) {
  Proxy proxy(port_of(url));
  proxy.swallow();
  const std::string own = ":" + std::to_string(port_of(url)) + "/";
  std::string both = url;
  both.replace(both.find(own), own.size(), ":" + std::to_string(proxy.port()) + ",127.0.0.1" + own);
  Broker b = broker_at(both, {{"connect_timeout_ms", "1000"}});
  EXPECT_EQ(b.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).front(), GANDER_OK);
}

// Every one of this test's, by a name of their own: other tests use the same server.
TEST_F(PostgresOutage, EveryConnectionTerminatedInMidRun) {
  Broker b = broker_at(url + "?application_name=" + schema);
  std::set<std::uint64_t> stored, ran;
  for (std::uint64_t round = 0; round < 5; ++round) {
    Session producer = b.open(GANDER_ROLE_PRODUCE);
    Session consumer = b.open(GANDER_ROLE_CONSUME, "w" + std::to_string(round));
    for (std::uint64_t i = 1; i <= 20; ++i) {
      producer.enqueue({message(round * 100 + i)});
      stored.insert(round * 100 + i);
    }
    ran.merge(drain(consumer));
    producer.enqueue({message(round * 100 + 99)});
    stored.insert(round * 100 + 99);
    const Taken held = consumer.take(1);
    sql->run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename=current_user AND "
        "application_name='" +
        schema + "'");
    const gander_error e = error_of([&] { producer.enqueue({message(round * 100 + 50)}); });
    EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
    EXPECT_EQ(e.flags & ~std::uint32_t{GANDER_ERROR_MAYBE_APPLIED},
              GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT);
    EXPECT_EQ(error_of([&] { consumer.take(1); }).code, GANDER_UNAVAILABLE);
  }
  Session consumer = b.open(GANDER_ROLE_CONSUME, "last");
  Session tender = b.open(GANDER_ROLE_TEND, "last");
  while (sql->number("SELECT count(*) FROM \"" + schema + "\".inflight") > 0) tender.tend();
  ran.merge(drain(consumer));
  for (const std::uint64_t n : stored) EXPECT_EQ(ran.count(n), 1U) << n;
}

// The answer to an enqueue is lost, a worker is just taking the message, and the repeat has to wait
// for it: the claim, which is a transaction of the test's own, commits only then.
TEST_F(PostgresOutage, RepeatedWhileItsMessageIsTakenIsStoredOnce) {
  Proxy proxy(port_of(url));
  Broker b = broker_at(with_port(url, proxy.port()));
  Session consumer = b.open(GANDER_ROLE_CONSUME, "w");
  const std::string s = "\"" + schema + "\".";
  for (const bool noted : {false, true}) {  // by the statement for plain messages, and the other
    const auto made = [&](std::uint64_t n) {
      Message m = message(n);
      m.note = noted ? "a note" : "";
      return m;
    };
    const std::uint64_t n = enqueue_unanswered(b, proxy, made);
    Session next = b.open(GANDER_ROLE_PRODUCE);
    Sql other(url);
    pqxx::work claim(other.connection());
    ASSERT_EQ(claim
                  .exec("WITH d AS (DELETE FROM " + s + "ready WHERE id='" + uuid_of(n) +
                        "' RETURNING *) INSERT INTO " + s +
                        "inflight(seq, enqueued_at, lane, worker, id, tally, more, body) SELECT "
                        "seq, enqueued_at, lane, (SELECT no FROM " +
                        s + "worker), id, tally, more, body FROM d")
                  .affected_rows(),
              1U);
    gander_status verdict = GANDER_INTERNAL;
    {
      const std::jthread repeat([&] { verdict = next.enqueue({made(n)}).front(); });
      while (sql->number("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock' AND "
                         "query LIKE '%" +
                         schema + "%' AND pid<>pg_backend_pid()") == 0) {
      }
      claim.commit();
    }
    EXPECT_EQ(verdict, GANDER_DUPLICATE);
    EXPECT_EQ(sql->number("SELECT count(*) FROM " + s + "ready WHERE id='" + uuid_of(n) + "'"), 0);
    EXPECT_EQ(sql->number("SELECT count(*) FROM " + s + "inflight WHERE id='" + uuid_of(n) + "'"),
              1);
    EXPECT_EQ(next.enqueue({made(n + 1'000'000)}).front(), GANDER_OK);
  }
}

// What got there nevertheless, by a process that did not know that it was repeating: the claim must
// neither fail for ever nor give it twice.
TEST_F(PostgresOutage, TheSameIdReadyAndLeasedIsDropped) {
  Broker b = broker();
  b.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2)});
  Session consumer = b.open(GANDER_ROLE_CONSUME, "w");
  const Taken held = consumer.take(1);
  ASSERT_EQ(held.numbers(), std::vector<std::uint64_t>{1});
  const std::string s = "\"" + schema + "\".";
  sql->run("INSERT INTO " + s + "ready SELECT nextval('" + s +
           "back'), enqueued_at, lane, id, tally, more, body FROM " + s + "inflight");
  EXPECT_EQ(consumer.take(5).numbers(), std::vector<std::uint64_t>{2});
  EXPECT_EQ(sql->number("SELECT count(*) FROM " + s + "ready"), 0);
  EXPECT_EQ(consumer.settle(GANDER_SETTLE_ACK, held[0]), GANDER_OK);
}

TEST_F(PostgresOutage, StatementTimeoutIsATimeout) {
  Broker b = broker({{"statement_timeout_ms", "100"}});
  Session producer = b.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  Sql locker(url);
  pqxx::work lock(locker.connection());
  lock.exec("LOCK TABLE \"" + schema + "\".ready IN ACCESS EXCLUSIVE MODE");
  const gander_error e = error_of([&] { producer.enqueue({message(2)}); });
  EXPECT_EQ(e.code, GANDER_TIMEOUT);
  EXPECT_EQ(e.flags, GANDER_ERROR_RETRYABLE);
  lock.abort();
  // The connection is as good as before.
  EXPECT_EQ(producer.enqueue({message(2)}).front(), GANDER_OK);
}

TEST_F(PostgresOutage, CallsEndAtTheirDeadline) {
  Broker b = broker();
  Session producer = b.open(GANDER_ROLE_PRODUCE);
  producer.enqueue({message(1)});
  Sql locker(url);
  pqxx::work lock(locker.connection());
  lock.exec("LOCK TABLE \"" + schema + "\".ready IN ACCESS EXCLUSIVE MODE");
  const gander_error e =
      error_of([&] { producer.enqueue({message(2)}, Call(std::chrono::milliseconds(100))); });
  EXPECT_EQ(e.code, GANDER_TIMEOUT);
  EXPECT_EQ(e.flags, kLost);
  lock.abort();
  // What was left behind ends by itself, done or not done.
  Session next = b.open(GANDER_ROLE_PRODUCE);
  const gander_status verdict = next.enqueue({message(2)}).front();
  EXPECT_TRUE(verdict == GANDER_OK || verdict == GANDER_DUPLICATE);
}

TEST_F(PostgresOutage, LongTransactionHeldDuringADrain) {
  Broker b = broker();
  Session producer = b.open(GANDER_ROLE_PRODUCE);
  Session consumer = b.open(GANDER_ROLE_CONSUME, "w");
  producer.enqueue({message(1)});
  Sql other(url);
  pqxx::transaction<pqxx::isolation_level::repeatable_read> held(other.connection());
  held.exec("SELECT count(*) FROM \"" + schema + "\".ready");
  std::uint64_t n = 1;
  for (int batch = 0; batch < 40; ++batch) {
    std::vector<Message> list;
    for (int i = 0; i < 500; ++i) list.push_back(message(++n));
    producer.enqueue(std::move(list));
  }
  std::set<std::uint64_t> ran;
  for (Taken taken = consumer.take(500); taken.size() != 0;) {
    std::vector<Settle> acks;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      ran.insert(number_of(taken[i].id));
      acks.push_back({GANDER_SETTLE_ACK, taken[i]});
    }
    taken = consumer.exchange(acks, {"default"}, 500);
  }
  EXPECT_EQ(ran.size(), n);
  EXPECT_EQ(held.exec("SELECT count(*) FROM \"" + schema + "\".ready")[0][0].as<int>(), 1);
}

}  // namespace
}  // namespace gander::test
