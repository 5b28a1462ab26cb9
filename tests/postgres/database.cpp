#include "database.h"

#include <unistd.h>

namespace gander::test {

std::string with_database(const std::string& url, const std::string& database) {
  return url.substr(0, url.rfind('/') + 1) + database;
}

std::string with_user(const std::string& url, const std::string& user) {
  const std::size_t begin = url.find("://") + 3;
  return url.substr(0, begin) + user + url.substr(url.find('@'));
}

void PostgresTest::SetUp() {
  GANDER_REQUIRE_SERVER(given, "postgres");
  url = given;
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  schema = "t" + std::to_string(getpid()) + "_" + std::string(info->name()).substr(0, 28);
  sql = std::make_unique<Sql>(url);
  sql->run("SET client_min_messages = error");
}

void PostgresTest::TearDown() {
  if (sql) sql->run("DROP SCHEMA IF EXISTS \"" + schema + "\" CASCADE");
}

Broker PostgresTest::broker(std::map<std::string, std::string> options) {
  return broker_at(url, std::move(options));
}

Broker PostgresTest::broker_at(const std::string& at, std::map<std::string, std::string> options) {
  options.emplace("url", at);
  options.emplace("schema", schema);
  options.emplace("lease_ms", "1000");
  return {host, options};
}

}  // namespace gander::test
