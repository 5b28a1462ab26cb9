// fault_producer BROKER QUEUE ACKS RUNS -- enqueues until it is killed or told to stop. An id is
// written to ACKS only after its enqueue has returned, so every id there is a promise; beside it
// who sent it, when it was first sent, and when the promise came.
#include <fcntl.h>
#include <gander/gander.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

// More work than the twelve threads of the workers get done, so that all are busy at every fault.
constexpr int kLongestWorkUs = 60'000;
constexpr auto kBetween = std::chrono::milliseconds(4);
// And no more waiting than is worked off in a moment at the end.
constexpr std::int64_t kMostWaiting = 500;

// The lines of a file that others append to.
class LineCount {
 public:
  explicit LineCount(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~LineCount() { close(fd_); }
  LineCount(const LineCount&) = delete;
  LineCount& operator=(const LineCount&) = delete;

  std::int64_t now() {
    std::array<char, 65536> block;
    for (ssize_t n = 0; (n = read(fd_, block.data(), block.size())) > 0;)
      lines_ += std::count(block.begin(), block.begin() + n, '\n');
    return lines_;
  }

 private:
  int fd_;
  std::int64_t lines_ = 0;
};

class Producer {
 public:
  Producer(const gander::Client& client, const std::string& queue, const std::string& acks,
           std::string runs)
      : to_(client.on(queue).within(std::chrono::seconds(10))),
        runs_(std::move(runs)),
        acks_(acks),
        runs_file_(runs_),
        sent_(acks),
        ran_(runs_) {}

  void run() {
    while (!stopping) {
      if (waiting() < kMostWaiting) many_(random_) < 20 ? one() : twenty();
      std::this_thread::sleep_for(kBetween);
    }
  }

 private:
  // From the logs, as who was killed can remember nothing. A run has two lines there.
  [[nodiscard]] std::int64_t waiting() { return sent_.now() - ran_.now() / 2; }

  static std::string ack(const gander::Id& id, std::int64_t sent_us) {
    return id.to_string() + ' ' + std::to_string(getpid()) + ' ' + std::to_string(sent_us) + ' ' +
           std::to_string(gander::faults::now_us()) + '\n';
  }

  // What failed is repeated under the same id, so that it is stored once all the same.
  void one() {
    const gander::Id id = gander::Id::make();
    const int us = work_(random_);
    const std::int64_t sent = gander::faults::now_us();
    while (!stopping) try {
        to_.id(id).enqueue(fault_job, runs_, us);
        return acks_.add(ack(id, sent));
      } catch (const gander::Error& e) {
        std::fprintf(stderr, "%s: %s\n", id.to_string().c_str(), e.what());
      }
  }

  // The ids are the broker's to tell, so a failed batch is no promise.
  void twenty() try {
    std::vector<std::tuple<std::string, int>> items(20);
    for (auto& item : items) item = {runs_, work_(random_)};
    const std::int64_t sent = gander::faults::now_us();
    std::string lines;
    for (const gander::Id& id : to_.enqueue_all(fault_job, items)) lines += ack(id, sent);
    acks_.add(lines);
  } catch (const gander::Error& e) {
    std::fprintf(stderr, "a batch: %s\n", e.what());
  }

  gander::Enqueuer to_;
  std::string runs_;
  // Made before they are counted.
  gander::faults::AppendFile acks_, runs_file_;
  LineCount sent_, ran_;
  std::mt19937 random_{std::random_device{}()};
  std::uniform_int_distribution<int> work_{0, kLongestWorkUs}, many_{1, 20};
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::fprintf(stderr, "usage: fault_producer BROKER QUEUE ACKS RUNS\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopping = true; });
  const gander::Broker broker{argv[1]};
  const gander::Client client{broker};
  Producer(client, argv[2], argv[3], argv[4]).run();
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "fault_producer: %s\n", e.what());
  return 1;
}
