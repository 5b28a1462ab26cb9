// A worker that was stopped for longer than its lease, and goes on.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "../faults/process.h"
#include "redis_server.h"

namespace gander::test {
namespace {

using faults::Process;

// Of the lines "begin|end ID PID TIME RETURNS": those of one kind, of one process or of all.
std::size_t lines(const std::string& log, const std::string& kind, pid_t pid = 0) {
  std::ifstream file(log);
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first, id;
    pid_t by = 0;
    words >> first >> id >> by;
    if (first == kind && (pid == 0 || by == pid)) ++count;
  }
  return count;
}

template <class Condition>
void wait_for(const Condition& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), limit) << "it did not come about";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(RedisWorker, ThawedAfterItsLeaseItBeginsNothing) {
  GANDER_REQUIRE_REDIS();
  const RedisServer server;
  const std::string url = server.url() + "?prefix=test&lease_ms=1000";
  const std::string log = testing::TempDir() + "gander-thaw-" + std::to_string(getpid());
  const std::string out = log + ".out";
  const std::string args = "[\"" + log + "\",1000000]";
  for (int i = 0; i < 3; ++i) {
    Process enqueue({GANDER_COMMAND, "enqueue", "fault.run", args, "--broker", url}, out);
    ASSERT_EQ(enqueue.finish(), 0);
  }
  const std::vector<std::string> worker{GANDER_COMMAND, "worker",          "--broker",  url,
                                        "--jobs",       GANDER_FAULT_JOBS, "--threads", "1"};
  Process first(worker, out);
  Cli cli(server.port());
  wait_for([&] { return lines(log, "begin") == 1; });
  // It has one more in hand, or there would be nothing that it could begin.
  const std::string held = cli("KEYS {test}:held:*");
  ASSERT_GE(std::stoi(cli(std::vector<std::string>{"HLEN", held.substr(0, held.size() - 1)})), 2);
  first.freeze();
  Process second(worker, out);
  wait_for([&] { return lines(log, "end", second.pid()) == 3; });
  first.thaw();
  wait_for([&] { return lines(log, "end", first.pid()) == 1; });
  const pid_t thawed = first.pid();
  EXPECT_EQ(first.stop(), 0);
  EXPECT_EQ(lines(log, "begin", thawed), 1U);
  EXPECT_EQ(second.stop(), 0);
  unlink(log.c_str());
  unlink(out.c_str());
}

}  // namespace
}  // namespace gander::test
