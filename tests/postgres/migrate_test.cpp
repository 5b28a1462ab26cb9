// The schema: made by any number of processes at once, printed as SQL, used by a role that may not
// change it.
#include <gander/sdk/ext/migrate.h>
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "../support/operator.h"
#include "../support/page.h"
#include "database.h"

namespace gander::test {
namespace {

using testing::HasSubstr;
using PostgresMigrate = PostgresTest;

std::string script_of(Broker& b, Session& admin) {
  std::string script;
  const gander_text_visitor visit = [](void* user, gander_str text) noexcept -> std::int32_t {
    *static_cast<std::string*>(user) += view(text);
    return 0;
  };
  const Call call;
  gander_error e = blank_error();
  must(b.extension<gander_ext_migrate>(GANDER_EXT_MIGRATE)
           .script(admin.raw(), &call, visit, &script, &e),
       e);
  return script;
}

gander_migrate_res migrate(Broker& b, Session& admin) {
  gander_migrate_res res = {sizeof res, 0, 0, 0};
  const Call call;
  gander_error e = blank_error();
  must(b.extension<gander_ext_migrate>(GANDER_EXT_MIGRATE).migrate(admin.raw(), &call, &res, &e),
       e);
  return res;
}

TEST_F(PostgresMigrate, TenAtOnceMakeItOnce) {
  if (!sql) return;
  std::atomic<int> made = 0;
  {
    std::vector<std::jthread> pool;
    for (int i = 0; i < 10; ++i)
      pool.emplace_back([&] {
        Broker b = broker();
        Session admin = b.open(GANDER_ROLE_ADMIN);
        if (migrate(b, admin).from_version == 0) ++made;
      });
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(sql->number("SELECT count(*) FROM \"" + schema + "\".meta"), 1);
}

TEST_F(PostgresMigrate, ScriptMakesTheSame) {
  if (!sql) return;
  Broker b = broker({{"auto_migrate", "false"}});
  Session admin = b.open(GANDER_ROLE_ADMIN);
  const std::string script = script_of(b, admin);
  EXPECT_THAT(script, HasSubstr("CREATE TABLE"));
  EXPECT_EQ(sql->number("SELECT count(*) FROM pg_namespace WHERE nspname='" + schema + "'"), 0);
  sql->run(script);
  EXPECT_EQ(script_of(b, admin), "");
  EXPECT_EQ(b.open(GANDER_ROLE_PRODUCE).enqueue({message(1)}).front(), GANDER_OK);
}

// The statements of the page, for a role that may use the tables and not change them.
TEST_F(PostgresMigrate, LeastPrivilegesAreEnough) {
  if (!sql) return;
  broker().open(GANDER_ROLE_PRODUCE);
  const std::string role = "worker" + std::to_string(getpid());
  std::string grants =
      all_between(read_page(GANDER_POSTGRES_PAGE), "```sql\nCREATE ROLE", "```").at(0);
  const auto put = [&](const std::string& what, const std::string& with) {
    for (std::size_t at = grants.find(what); at != std::string::npos;
         at = grants.find(what, at + with.size()))
      grants.replace(at, what.size(), with);
  };
  put("jobs_worker", role);
  put("SCHEMA gander", "SCHEMA \"" + schema + "\"");
  put("DATABASE shop", "DATABASE " + url.substr(url.rfind('/') + 1));
  sql->run("CREATE ROLE" + grants);
  {
    Broker b = broker_at(with_user(url, role), {{"password", "secret"}, {"auto_migrate", "false"}});
    EXPECT_EQ(b.open(GANDER_ROLE_PRODUCE).enqueue({message(1), message(2)}).front(), GANDER_OK);
    Session consumer = b.open(GANDER_ROLE_CONSUME, "w");
    const Taken taken = consumer.take(2);
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(consumer.settle(GANDER_SETTLE_DEAD, taken[0]), GANDER_OK);
    b.open(GANDER_ROLE_TEND, "w").tend();
    b.open(GANDER_ROLE_WAIT).wait(std::chrono::milliseconds(1));
    Operator op(b);
    op.pause(true, "q");
    EXPECT_FALSE(op.health().empty());
  }
  sql->run("REVOKE CONNECT ON DATABASE " + url.substr(url.rfind('/') + 1) + " FROM " + role);
  sql->run("DROP SCHEMA \"" + schema + "\" CASCADE");
  sql->run("DROP ROLE " + role);
}

}  // namespace
}  // namespace gander::test
