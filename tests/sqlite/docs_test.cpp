// What docs/brokers/sqlite.md shows works, and it names every option with its default.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "../support/page.h"
#include "plugin.h"

using namespace gander::test;

namespace {

TEST(SqlitePage, ShowsStatementsThatWork) {
  Folder folder;
  FakeHost host;
  const std::string path = folder.file("jobs.db");
  FileBroker broker(host, path);
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "host:1");
  producer.enqueue({message(1), message(2), message(3), message(4)});
  const Taken taken = consumer.take(3);
  gander_message later = taken[0];
  later.run_at_us = host.now_us + 1;
  consumer.settle(GANDER_SETTLE_RETRY, later);
  consumer.settle(GANDER_SETTLE_DEAD, taken[1]);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  const std::string page = read_page(GANDER_SQLITE_PAGE);
  const auto statements = all_between(page, "sqlite3 -readonly jobs.db \"", "\"");
  EXPECT_EQ(statements.size(), 4U);
  for (const auto& statement : statements) {
    int rows = 0;
    EXPECT_EQ(sqlite3_exec(
                  db, statement.c_str(),
                  [](void* n, int, char**, char**) { return ++*static_cast<int*>(n), 0; }, &rows,
                  nullptr),
              SQLITE_OK)
        << statement << ": " << sqlite3_errmsg(db);
    EXPECT_EQ(rows, 1) << statement;
  }
  sqlite3_close(db);
}

TEST(SqlitePage, NamesEveryOptionWithItsDefault) {
  EXPECT_EQ(expect_options(read_page(GANDER_SQLITE_PAGE)), 11U);
}

}  // namespace
