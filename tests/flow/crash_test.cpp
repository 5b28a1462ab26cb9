// Worker processes that die with SIGKILL in the middle of a job: this binary runs itself as the
// worker.
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <set>

#include "support.h"

namespace {

using namespace std::chrono_literals;
using gander::State;

void poison(std::string) { std::raise(SIGKILL); }
// Appends its argument to the file, in one write.
void record(std::string file, int i) {
  std::ofstream(file, std::ios::app) << (std::to_string(i) + "\n") << std::flush;
}
// Runs long enough to be running when its neighbour kills the process.
void slow_record(std::string file, int i) {
  std::this_thread::sleep_for(200ms);
  record(file, i);
}
constexpr gander::Job<"crash.poison", poison> kPoison;
constexpr gander::Job<"crash.record", record> kRecord;
constexpr gander::Job<"crash.slow", slow_record> kSlow;

class Crash : public Flow {
 protected:
  // A worker process, until it dies: the signal that ended it, 0 when it found nothing more to do.
  int run_worker() const {
    const pid_t child = fork();
    if (child == 0) {
      execl("/proc/self/exe", "worker", "--worker", url().c_str(), nullptr);
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  }
  [[nodiscard]] std::string log() const { return folder_ + "/runs"; }
  [[nodiscard]] std::multiset<int> runs() const {
    std::ifstream in(log());
    std::multiset<int> all;
    for (int i = 0; in >> i;) all.insert(i);
    return all;
  }
};

// Goose: orphan recovery has no counter, so that a message that kills its worker does so for ever.
TEST_F(Crash, GooseDefect5APoisonMessageIsADeadLetterAfterFourCrashes) {
  gander::Client(broker()).enqueue(kPoison, "");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(run_worker(), SIGKILL) << "run " << i;
  EXPECT_EQ(run_worker(), 0);
  const auto dead = gander::Admin(broker()).list(State::dead);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].crashes, 4U);
  EXPECT_EQ(dead[0].attempts, 0U);
  EXPECT_EQ(dead[0].note, "crashed: its process died 4 times while it ran");
}

TEST_F(Crash, WhatRanBesideAPoisonMessageLivesOn) {
  const gander::Client client(broker());
  client.enqueue(kPoison, "");
  for (int i = 0; i < 8; ++i) client.enqueue(kSlow, log(), i);
  for (int tries = 0; tries < 20 && run_worker() != 0; ++tries) continue;
  EXPECT_EQ(gander::Admin(broker()).list(State::dead).size(), 1U);
  const std::multiset<int> all = runs();
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), 8U);
}

TEST_F(Crash, AKilledWorkersMessagesAreTakenOverAtOnce) {
  const gander::Client client(broker());
  client.enqueue(kPoison, "");
  std::vector<std::pair<std::string, int>> args;
  for (int i = 0; i < 100; ++i) args.emplace_back(log(), i);
  client.enqueue_all(kRecord, args);
  for (int tries = 0; tries < 20 && run_worker() != 0; ++tries) continue;
  const std::multiset<int> all = runs();
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), 100U);
  EXPECT_EQ(count(State::leased), 0);
}

int work(const std::string& url) {
  const gander::Broker broker(url, gander::Config{});
  gander::WorkerOptions options;
  options.threads = 3;
  gander::Worker worker(broker, options);
  worker.handle(kPoison).handle(kRecord).handle(kSlow).start();
  const bool idle = worker.wait_idle(60s);
  return worker.stop(30s) && idle ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--worker") == 0) return work(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
