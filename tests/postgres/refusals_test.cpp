// What the PostgreSQL broker refuses, and in what words; and what it says when it cannot get in.
#include <gmock/gmock.h>

#include "database.h"
#include "error.h"

namespace gander::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using PostgresRefusals = PostgresTest;

gander_error open_error(Broker broker, std::uint32_t role = GANDER_ROLE_PRODUCE) {
  return error_of([&] { broker.open(role, "w"); });
}

TEST_F(PostgresRefusals, ServerDownIsUnavailableWithinTheDeadline) {
  const std::string nobody = with_port(url, free_port());
  Broker b = broker_at(nobody);
  const gander_error e = error_of([&] { b.open(GANDER_ROLE_PRODUCE); });
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_EQ(e.flags, GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT);
  EXPECT_THAT(e.message, HasSubstr("reachable"));
}

TEST_F(PostgresRefusals, SilentServerIsLeftInTime) {
  Proxy proxy(port_of(url));
  proxy.swallow();
  Broker b = broker_at(with_port(url, proxy.port()));
  const gander_error e =
      error_of([&] { b.open(GANDER_ROLE_PRODUCE, "", Call(std::chrono::milliseconds(200))); });
  EXPECT_EQ(e.code, GANDER_TIMEOUT);
  EXPECT_EQ(e.flags & GANDER_ERROR_MAYBE_APPLIED, 0U);
  Broker short_of_time = broker_at(with_port(url, proxy.port()), {{"connect_timeout_ms", "200"}});
  EXPECT_EQ(open_error(std::move(short_of_time)).code, GANDER_UNAVAILABLE);
}

// A role of the test's own, as the server lets its owner in without a password.
class PostgresRole : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (!sql) return;
    role = "r" + std::to_string(getpid()) + "_" + std::to_string(free_port());
    sql->run("CREATE ROLE " + role + " LOGIN PASSWORD 'right'");
  }
  void TearDown() override {
    PostgresTest::TearDown();
    if (!sql) return;
    sql->run("DROP ROLE " + role);
  }
  Broker as_role(std::map<std::string, std::string> options = {}) {
    options.emplace("password", "right");
    return broker_at(with_user(url, role), std::move(options));
  }
  std::string role;
};

TEST_F(PostgresRole, WrongPasswordIsUnauthenticatedAndNotShown) {
  const gander_error e = open_error(as_role({{"password", "s3cret-wrong"}}));
  EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
  EXPECT_STREQ(e.native, "28P01");
  EXPECT_THAT(e.message, Not(HasSubstr("s3cret")));
  const gander_error none = open_error(broker_at(with_user(url, role)));
  EXPECT_EQ(none.code, GANDER_UNAUTHENTICATED);
}

TEST_F(PostgresRole, PasswordInTheUrlIsNotShown) {
  const gander_error e = open_error(broker_at(with_user(url, role + ":s3cret-wrong")));
  EXPECT_EQ(e.code, GANDER_UNAUTHENTICATED);
  EXPECT_THAT(e.message, Not(HasSubstr("s3cret")));
}

TEST_F(PostgresRole, WithoutRightsIsForbidden) {
  broker().open(GANDER_ROLE_PRODUCE);
  const gander_error e = open_error(as_role());
  EXPECT_EQ(e.code, GANDER_FORBIDDEN);
  EXPECT_THAT(e.message, HasSubstr("grant"));
}

TEST_F(PostgresRole, ConnectionsUsedUpIsUnavailable) {
  sql->run("ALTER ROLE " + role + " CONNECTION LIMIT 0");
  const gander_error e = open_error(as_role());
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_STREQ(e.native, "53300");
  EXPECT_THAT(e.message, HasSubstr("max_connections"));
}

TEST_F(PostgresRefusals, WrongDatabaseIsConfig) {
  const gander_error e = open_error(broker_at(with_database(url, "nosuch")));
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("create the database"));
}

TEST(PostgresVersions, OlderThanThirteenIsRefusedByName) {
  for (const int old : {90624, 100023, 120018}) {
    try {
      postgres::require_version(old, "here");
      ADD_FAILURE() << old;
    } catch (const sdk::Error& e) {
      EXPECT_EQ(e.code(), GANDER_CONFIG);
      EXPECT_THAT(e.what(), HasSubstr(postgres::version_text(old) + " is too old"));
    }
  }
  for (const int good : {130000, 150020, 170004}) postgres::require_version(good, "here");
  EXPECT_EQ(postgres::version_text(90624), "9.6");
  EXPECT_EQ(postgres::version_text(150020), "15.20");
}

TEST_F(PostgresRefusals, ForeignTableInTheWay) {
  sql->run("CREATE SCHEMA \"" + schema + "\"");
  sql->run("CREATE TABLE \"" + schema + "\".ready(a int)");
  const gander_error e = open_error(broker());
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("choose another schema"));
  sql->run("CREATE TABLE \"" + schema + "\".meta(a int)");
  EXPECT_EQ(open_error(broker()).code, GANDER_CONFIG);
}

TEST_F(PostgresRefusals, NewerSchemaIsConfig) {
  broker().open(GANDER_ROLE_PRODUCE);
  sql->run("UPDATE \"" + schema + "\".meta SET version=99");
  for (const auto role : {GANDER_ROLE_PRODUCE, GANDER_ROLE_CONSUME, GANDER_ROLE_WAIT}) {
    const gander_error e = open_error(broker(), role);
    EXPECT_EQ(e.code, GANDER_CONFIG);
    EXPECT_THAT(e.message, HasSubstr("version 99"));
  }
}

TEST_F(PostgresRefusals, MissingSchemaNamesTheCommand) {
  const gander_error e = open_error(broker({{"auto_migrate", "false"}}));
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("gander broker migrate"));
}

TEST_F(PostgresRefusals, BadOptionsAreConfigAndNamed) {
  for (const char* bad :
       {"mysql://h/d", "postgresql://h:port:x/d", "postgresql://h1,h2,h3/d?port=1,2", "h/d", ""}) {
    const gander_error e = error_of([&] { broker_at(bad); });
    EXPECT_EQ(e.code, GANDER_CONFIG) << bad;
    EXPECT_THAT(e.message, HasSubstr("'url'")) << bad;
  }
  for (const char* bad : {"", "1a", "pg_x", "a\"b", "a.b"}) {
    const gander_error e = error_of([&] { Broker(host, {{"url", url}, {"schema", bad}}); });
    EXPECT_EQ(e.code, GANDER_CONFIG) << bad;
    EXPECT_THAT(e.message, HasSubstr("'schema'")) << bad;
  }
  const gander_error e = open_error(broker({{"password_file", "/nosuch"}}));
  EXPECT_EQ(e.code, GANDER_CONFIG);
  EXPECT_THAT(e.message, HasSubstr("password_file"));
}

TEST_F(PostgresRefusals, BodyAtTheLimitAndOneAbove) {
  Broker b = broker({{"max_body_bytes", "1000"}});
  Message at = message(1), above = message(2);
  at.body = std::string(1000, 'x');
  above.body = std::string(1001, 'x');
  Session producer = b.open(GANDER_ROLE_PRODUCE);
  EXPECT_EQ(producer.enqueue({at, above}),
            (std::vector<gander_status>{GANDER_OK, GANDER_TOO_LARGE}));
  Session consumer = b.open(GANDER_ROLE_CONSUME, "w");
  EXPECT_EQ(consumer.take(5).numbers(), std::vector<std::uint64_t>{1});
}

}  // namespace
}  // namespace gander::test
