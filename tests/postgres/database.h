// What the tests of the PostgreSQL broker share: a schema of the test's own on the real server, a
// broker over it, and a second client to look inside with.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <pqxx/pqxx>
#include <string>

#include "../support/expectations.h"
#include "../support/port.h"
#include "proxy.h"
#include "server.h"

namespace gander::test {

// SQL by libpqxx, each statement a transaction.
class Sql {
 public:
  explicit Sql(const std::string& url) : connection_(url) {}
  pqxx::result run(const std::string& statement) {
    pqxx::nontransaction work(connection_);
    return work.exec(statement);
  }
  std::int64_t number(const std::string& query) {
    const pqxx::result rows = run(query);
    return rows.empty() ? -1 : rows[0][0].as<std::int64_t>(0);
  }
  std::string text(const std::string& query) { return run(query)[0][0].as<std::string>(""); }
  pqxx::connection& connection() { return connection_; }

 private:
  pqxx::connection connection_;
};

// The URL of another database, or of another role, on the same server.
std::string with_database(const std::string& url, const std::string& database);
std::string with_user(const std::string& url, const std::string& user);

inline constexpr std::uint32_t kLost =
    GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT | GANDER_ERROR_MAYBE_APPLIED;

class PostgresTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  Broker broker(std::map<std::string, std::string> options = {});
  Broker broker_at(const std::string& at, std::map<std::string, std::string> options = {});

  FakeHost host;
  std::string url;
  std::string schema;
  std::unique_ptr<Sql> sql;
};

}  // namespace gander::test
