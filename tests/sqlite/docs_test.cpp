// What docs/brokers/sqlite.md shows works, and it names every option with its default.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "plugin.h"

using namespace gander::test;

namespace {

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// What stands between `before` and `after`, wherever that is.
std::vector<std::string> all_between(const std::string& text, const std::string& before,
                                     const std::string& after) {
  std::vector<std::string> found;
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    found.push_back(text.substr(at, text.find(after, at) - at));
  }
  return found;
}

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
  const std::string page = read(GANDER_SQLITE_PAGE);
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
  const std::string page = read(GANDER_SQLITE_PAGE);
  const std::string schema = plugin()->components[0].config_schema;
  const std::string properties = schema.substr(schema.find("\"properties\""));
  std::size_t named = 0;
  for (const std::string& option : all_between(properties, "\n    \"", "}")) {
    const std::string name = option.substr(0, option.find('"'));
    std::string value = all_between(option, "\"default\": ", ",\n").at(0);
    value.erase(std::remove(value.begin(), value.end(), '"'), value.end());
    value.erase(value.find_last_not_of(" \n") + 1);
    const std::string row = "| `" + name + "` | ";
    const std::size_t at = page.find(row);
    ASSERT_NE(at, std::string::npos) << row;
    EXPECT_NE(page.substr(at + row.size(), 30).find(value), std::string::npos) << row << value;
    ++named;
  }
  EXPECT_EQ(named, 11U);
}

}  // namespace
