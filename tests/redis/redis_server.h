// A real Redis of the test's own, on a free port of loopback with its data in a folder of its own;
// ended, and the folder removed, with this object. And a plain connection to look inside with.
#pragma once

#include <hiredis/hiredis.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../support/expectations.h"
#include "../support/port.h"

namespace gander::test {

// redis-server or valkey-server; empty when this machine has neither.
std::string redis_binary();

class RedisServer {
 public:
  // `options`: "--maxmemory", "3mb", ...
  explicit RedisServer(std::vector<std::string> options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  void start();     // on the same port, with the same data; returns when it answers
  void kill();      // SIGKILL
  void stop_cpu();  // SIGSTOP
  void resume();    // SIGCONT
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::vector<std::string> options_;
  std::string folder_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

// Commands as an operator types them, "CONFIG SET maxmemory 3mb": a reply as text, one element a
// line; an error begins with '-'.
class Cli {
 public:
  explicit Cli(std::uint16_t port);
  std::string operator()(const std::string& command);
  std::string operator()(const std::vector<std::string>& words);

 private:
  struct Free {
    void operator()(redisContext* c) const { redisFree(c); }
  };
  std::unique_ptr<redisContext, Free> context_;
};

// A broker over that server, its prefix "test".
Broker broker_on(FakeHost& host, const std::string& url,
                 std::map<std::string, std::string> options = {});

// Skips where no server is installed. Declares nothing.
#define GANDER_REQUIRE_REDIS()                \
  if (::gander::test::redis_binary().empty()) \
  GTEST_SKIP() << "neither redis-server nor valkey-server is installed: apt install redis-server"

}  // namespace gander::test
