// fault_producer BROKER QUEUE ACKS RUNS -- enqueues until it is killed or told to stop. An id is
// written to ACKS only after its enqueue has returned, so every id there is a promise.
#include <gander/gander.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <random>
#include <thread>

#include "append.h"
#include "fault_jobs.h"

namespace {

std::atomic<bool> stopping{false};
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr int kLongestWorkUs = 30'000;
// With this work, more than half of the twelve threads are busy at every kill, and the queue stays
// short.
constexpr auto kBetween = std::chrono::milliseconds(4);

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::fprintf(stderr, "usage: fault_producer BROKER QUEUE ACKS RUNS\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopping = true; });
  const std::string runs = argv[4];
  gander::faults::AppendFile acks(argv[3]);
  const gander::Broker broker{argv[1]};
  const gander::Client client{broker};
  const gander::Enqueuer to = client.on(argv[2]).within(std::chrono::seconds(30));
  std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> work(0, kLongestWorkUs), many(1, 20);
  while (!stopping) {
    if (many(random) < 20) {
      acks.add(to.enqueue(fault_job, runs, work(random)).to_string() + '\n');
    } else {
      std::vector<std::tuple<std::string, int>> items(20);
      for (auto& item : items) item = {runs, work(random)};
      std::string lines;
      for (const gander::Id& id : to.enqueue_all(fault_job, items)) lines += id.to_string() + '\n';
      acks.add(lines);
    }
    std::this_thread::sleep_for(kBetween);
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "fault_producer: %s\n", e.what());
  return 1;
}
