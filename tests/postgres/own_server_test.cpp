// The PostgreSQL broker behind a pooler in transaction mode, and on a disk that is full.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "database.h"
#include "process.h"

namespace gander::test {
namespace {

using PostgresPooler = PostgresTest;

void wait_until(const std::function<bool()>& there) {
  for (int i = 0; i < 1000; ++i) {
    try {
      if (there()) return;
    } catch (const std::exception&) {
      // Not yet.
    }
    usleep(10'000);
  }
  throw std::runtime_error("it never came up");
}

TEST_F(PostgresPooler, WorksInTransactionMode) {
  if (!sql) return;
  if (!std::filesystem::exists("/usr/sbin/pgbouncer")) GTEST_SKIP() << "pgbouncer is not installed";
  const Folder folder;
  const std::uint16_t port = free_port();
  const std::string user = url.substr(url.find("//") + 2, url.find('@') - url.find("//") - 2);
  std::ofstream(folder.path() + "/pgbouncer.ini")
      << "[databases]\n* = host=127.0.0.1 port=" << port_of(url) << " user=" << user
      << "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port
      << "\nauth_type = any\npool_mode = transaction\nunix_socket_dir =\ndefault_pool_size = 2\n";
  std::vector<std::string> command;
  if (geteuid() == 0)
    command = {"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"};
  command.insert(command.end(), {"/usr/sbin/pgbouncer", folder.path() + "/pgbouncer.ini"});
  const Process pooler(command, SIGINT);
  const std::string pooled = with_port(url, port);
  wait_until([&] { return Sql(pooled).number("SELECT 1") == 1; });
  Broker b = broker_at(pooled, {{"pooler", "true"}});
  Session producer = b.open(GANDER_ROLE_PRODUCE);
  Session waiter = b.open(GANDER_ROLE_WAIT);
  // More sessions than the pool has connections.
  std::vector<Session> consumers;
  for (int i = 0; i < 5; ++i)
    consumers.push_back(b.open(GANDER_ROLE_CONSUME, "w" + std::to_string(i)));
  for (std::uint64_t n = 1; n <= 50; ++n) {
    ASSERT_EQ(producer.enqueue({message(n)}).front(), GANDER_OK);
    Session& consumer = consumers[n % 5];
    const Taken taken = consumer.take(1);
    ASSERT_EQ(taken.numbers(), std::vector<std::uint64_t>{n});
    const auto op = n % 2 == 0 ? GANDER_SETTLE_ACK : GANDER_SETTLE_DEAD;
    EXPECT_EQ(consumer.settle(static_cast<std::uint32_t>(op), taken[0]), GANDER_OK);
  }
  producer.enqueue({message(99)});
  EXPECT_EQ(waiter.wait(std::chrono::seconds(5)), GANDER_OK);
  b.open(GANDER_ROLE_TEND, "w1").tend();
  EXPECT_EQ(sql->number("SELECT count(*) FROM \"" + schema + "\".dead"), 25);
}

TEST(PostgresDisk, FullIsFullAndNothingIsLost) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can mount a small disk";
  const std::string bin = postgres_programs();
  if (bin.empty()) GTEST_SKIP() << "no PostgreSQL is installed: apt install postgresql";
  const Folder folder;
  const std::string data = folder.path() + "/data", disk = folder.path() + "/disk";
  const std::string port = std::to_string(free_port());
  must_run(as_server_user(bin + "/initdb -N -A trust -U postgres -D " + data));
  std::filesystem::create_directory(disk);
  if (std::system(("mount -t tmpfs -o size=24m tmpfs " + disk).c_str()) != 0)
    GTEST_SKIP() << "this machine lets nobody mount";
  must_run("chown postgres " + disk);
  {
    const Process server({"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
                          bin + "/postgres", "-D", data, "-p", port, "-k", "", "-h", "127.0.0.1"},
                         SIGQUIT);
    const std::string url = "postgresql://postgres@127.0.0.1:" + port + "/postgres";
    wait_until([&] { return Sql(url).number("SELECT 1") == 1; });
    Sql sql(url);
    sql.run("CREATE TABLESPACE small LOCATION '" + disk + "'");
    sql.run("CREATE DATABASE jobs TABLESPACE small");
    FakeHost host;
    Broker b(host, {{"url", with_database(url, "jobs")}});
    Session producer = b.open(GANDER_ROLE_PRODUCE);
    std::uint64_t stored = 0;
    gander_error full = blank_error();
    while (full.code == GANDER_OK && stored < 100'000) {
      std::vector<Message> batch;
      for (std::uint64_t i = 1; i <= 100; ++i) {
        batch.push_back(message(stored + i));
        batch.back().body = std::string(1000, 'x');
      }
      try {
        producer.enqueue(std::move(batch));
        stored += 100;
      } catch (const Failure& e) {
        full = e.error;
      }
    }
    EXPECT_EQ(full.code, GANDER_FULL);
    EXPECT_EQ(full.flags, GANDER_ERROR_RETRYABLE);
    Sql look(with_database(url, "jobs"));
    EXPECT_EQ(look.number("SELECT count(*) FROM gander.ready"), static_cast<std::int64_t>(stored));
    must_run("mount -o remount,size=64m " + disk);
    EXPECT_EQ(producer.enqueue({message(stored + 1)}).front(), GANDER_OK);
  }
  must_run("umount " + disk);
}

}  // namespace
}  // namespace gander::test
