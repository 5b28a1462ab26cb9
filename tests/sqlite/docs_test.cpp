// What docs/brokers/sqlite.md shows works, and it names every option with its default.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "plugin.h"

using namespace gander::test;

namespace {

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::smatch> all_of(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  return {std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()};
}

TEST(SqlitePage, ShowsStatementsThatWork) {
  Folder folder;
  FakeHost host;
  const std::string path = folder.file("jobs.db");
  Broker broker(host, path);
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
  const std::string page = read(GANDER_SQLITE_PAGE);
  const auto statements = all_of(page, "sqlite3 -readonly jobs.db \"([^\"]+)\"");
  EXPECT_EQ(statements.size(), 4U);
  for (const auto& statement : statements) {
    int rows = 0;
    EXPECT_EQ(sqlite3_exec(
                  db, statement[1].str().c_str(),
                  [](void* n, int, char**, char**) { return ++*static_cast<int*>(n), 0; }, &rows,
                  nullptr),
              SQLITE_OK)
        << statement[1] << ": " << sqlite3_errmsg(db);
    EXPECT_EQ(rows, 1) << statement[1];
  }
  sqlite3_close(db);
}

TEST(SqlitePage, NamesEveryOptionWithItsDefault) {
  const std::string page = read(GANDER_SQLITE_PAGE);
  const std::string schema = plugin()->components[0].config_schema;
  const auto options =
      all_of(schema, "\"(\\w+)\": \\{[^{}]*\"default\": \"?([^\",\\n]+)\"?[^}]*\\}");
  EXPECT_EQ(options.size(), 11U);
  for (const auto& option : options) {
    const std::string row = "| `" + option[1].str() + "` | ";
    const std::size_t at = page.find(row);
    ASSERT_NE(at, std::string::npos) << row;
    EXPECT_NE(page.substr(at + row.size(), 30).find(option[2].str()), std::string::npos)
        << row << option[2];
  }
}

}  // namespace
