// fault_producer BROKER QUEUE ACKS DOUBTS RUNS -- enqueues until it is killed or told to stop. An
// id is written to ACKS only after its enqueue has returned, so every id there is a promise; to
// DOUBTS when its enqueue failed and is repeated under the same id.
#include <gander/gander.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <random>
#include <thread>

#include "append.h"
#include "fault_jobs.h"

namespace {

std::atomic<bool> stopping{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// More work than the twelve threads of the workers get done, so that all are busy at every fault.
constexpr int kLongestWorkUs = 60'000;
constexpr auto kBetween = std::chrono::milliseconds(4);
// And no more waiting than is worked off in a moment at the end.
constexpr std::uintmax_t kMostWaiting = 500;

std::uintmax_t size_of(const std::string& file) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(file, absent);
  return absent ? 0 : size;
}

class Producer {
 public:
  Producer(const gander::Client& client, const std::string& queue, const std::string& acks,
           const std::string& doubts, std::string runs)
      : to_(client.on(queue).within(std::chrono::seconds(10))),
        acks_file_(acks),
        runs_(std::move(runs)),
        acks_(acks),
        doubts_(doubts) {}

  void run() {
    while (!stopping) {
      if (waiting() < kMostWaiting) many_(random_) < 20 ? one() : twenty();
      std::this_thread::sleep_for(kBetween);
    }
  }

 private:
  // From the sizes of the logs, as who was killed can remember nothing. Their lines are alike.
  [[nodiscard]] std::uintmax_t waiting() const {
    const std::uintmax_t line = gander::Id().to_string().size() + 1;
    const std::uintmax_t run =
        2 * line + 2 * sizeof " 1234567 1234567890123456 0" + sizeof "begin end";
    const std::uintmax_t sent = size_of(acks_file_) / line, ran = size_of(runs_) / run;
    return sent > ran ? sent - ran : 0;
  }

  void one() {
    const gander::Id id = gander::Id::make();
    const int us = work_(random_);
    while (!stopping) try {
        to_.id(id).enqueue(fault_job, runs_, us);
        acks_.add(id.to_string() + '\n');
        return;
      } catch (const gander::Error& e) {
        std::fprintf(stderr, "%s: %s\n", id.to_string().c_str(), e.what());
        doubts_.add(id.to_string() + '\n');
      }
  }

  // The ids are the broker's to tell, so a failed batch is no promise.
  void twenty() try {
    std::vector<std::tuple<std::string, int>> items(20);
    for (auto& item : items) item = {runs_, work_(random_)};
    std::string lines;
    for (const gander::Id& id : to_.enqueue_all(fault_job, items)) lines += id.to_string() + '\n';
    acks_.add(lines);
  } catch (const gander::Error& e) {
    std::fprintf(stderr, "a batch: %s\n", e.what());
  }

  gander::Enqueuer to_;
  std::string acks_file_, runs_;
  gander::faults::AppendFile acks_, doubts_;
  std::mt19937 random_{std::random_device{}()};
  std::uniform_int_distribution<int> work_{0, kLongestWorkUs}, many_{1, 20};
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 6) {
    std::fprintf(stderr, "usage: fault_producer BROKER QUEUE ACKS DOUBTS RUNS\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopping = true; });
  const gander::Broker broker{argv[1]};
  const gander::Client client{broker};
  Producer(client, argv[2], argv[3], argv[4], argv[5]).run();
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "fault_producer: %s\n", e.what());
  return 1;
}
