// What docs/brokers/postgres.md shows works, and it names every option with its default.
#include "../support/page.h"
#include "database.h"

namespace gander::test {
namespace {

using PostgresPage = PostgresTest;

TEST(PostgresPageText, NamesEveryOptionWithItsDefault) {
  EXPECT_EQ(expect_options(read_page(GANDER_POSTGRES_PAGE)), 18U);
}

// Each statement that is shown for psql finds what is there.
TEST_F(PostgresPage, ShowsStatementsThatWork) {
  if (!sql) return;
  Broker b = broker();
  b.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2), message(3), message(4)});
  Session consumer = b.open(GANDER_ROLE_CONSUME, "host:1");
  const Taken taken = consumer.take(3);
  ASSERT_EQ(taken.size(), 3U);
  gander_message later = taken[0];
  later.run_at_us = 4'000'000'000'000'000;
  consumer.settle(GANDER_SETTLE_RETRY, later);
  consumer.settle(GANDER_SETTLE_DEAD, taken[1]);
  const auto statements = all_between(read_page(GANDER_POSTGRES_PAGE), "\nSELECT ", ";\n");
  EXPECT_EQ(statements.size(), 4U);
  sql->run("SET search_path = \"" + schema + "\"");
  for (const std::string& statement : statements)
    EXPECT_FALSE(sql->run("SELECT " + statement).empty()) << statement;
}

}  // namespace
}  // namespace gander::test
