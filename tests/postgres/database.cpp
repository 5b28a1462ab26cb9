#include "database.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace gander::test {

std::string with_database(const std::string& url, const std::string& database) {
  return url.substr(0, url.rfind('/') + 1) + database;
}

std::string with_user(const std::string& url, const std::string& user) {
  const std::size_t begin = url.find("://") + 3;
  return url.substr(0, begin) + user + url.substr(url.find('@'));
}

std::uint16_t free_port() {
  const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  const bool bound = bind(s, reinterpret_cast<sockaddr*>(&at), size) == 0 &&
                     getsockname(s, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  close(s);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(at.sin_port);
}

gander_error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Failure& e) {
    return e.error;
  }
  ADD_FAILURE() << "it did not fail";
  return blank_error();
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
