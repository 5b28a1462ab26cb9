// fault_driver sqlite|URL N BIN [--json] -- a producer and three workers under load, N times one of
// them is killed with SIGKILL at a random moment and started again; then everything is counted by
// id. BIN is where gander and the other programs were built. Exits 0 when nothing was lost and no
// duplicate is without its kill.
#include <gander/gander.h>

#include <gander/admin.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>

#include "append.h"
#include "ledger.h"
#include "process.h"

namespace fs = std::filesystem;
using namespace gander::faults;

namespace {

constexpr int kWorkers = 3;
constexpr auto kShortestGap = std::chrono::milliseconds(50);
constexpr auto kLongestGap = std::chrono::milliseconds(900);
constexpr auto kDrainLimit = std::chrono::seconds(60);

// A folder for one run, removed when it went well and kept to look at when not.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "gander-faults-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), pattern);
    folder_ = pattern;
  }
  ~Scratch() {
    if (keep) {
      std::fprintf(stderr, "kept: %s\n", folder_.c_str());
      return;
    }
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string file(const char* name) const { return (folder_ / name).string(); }
  bool keep = true;

 private:
  fs::path folder_;
};

class FaultRun {
 public:
  FaultRun(std::string broker, const fs::path& bin, const Scratch& scratch)
      : broker_(std::move(broker)), acks_(scratch.file("acks")), runs_(scratch.file("runs")) {
    const std::vector<std::string> worker{(bin / "gander").string(),
                                          "worker",
                                          "--broker",
                                          broker_,
                                          "--jobs",
                                          (bin / "../lib/fault_jobs.so").lexically_normal(),
                                          "--queue",
                                          queue_,
                                          "--threads",
                                          "4"};
    for (int i = 0; i < kWorkers; ++i)
      victims_.push_back(std::make_unique<Process>(worker, scratch.file("workers.log")));
    victims_.push_back(std::make_unique<Process>(
        std::vector<std::string>{(bin / "fault_producer").string(), broker_, queue_, acks_, runs_},
        scratch.file("producer.log")));
  }

  // The load is on: the first run has begun.
  void wait_for_first_run() {
    const auto limit = std::chrono::steady_clock::now() + kDrainLimit;
    while (!fs::exists(runs_) || fs::file_size(runs_) == 0) {
      if (std::chrono::steady_clock::now() > limit)
        throw std::runtime_error("no job ran within 60 s of the start");
      check_alive();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void inject(int faults) {
    std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<std::int64_t> gap(kShortestGap.count(), kLongestGap.count());
    std::uniform_int_distribution<std::size_t> which(0, victims_.size() - 1);
    for (int i = 0; i < faults; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(gap(random)));
      check_alive();
      Process& victim = *victims_[which(random)];
      kills_.push_back({victim.pid(), now_us()});
      victim.kill_now();
      victim.start();
    }
  }

  // Stops the producer, lets the workers empty the queue, and stops them.
  void drain() {
    stop(*victims_.back(), "the producer");
    gander::Admin admin{gander::Broker{broker_}};
    const auto limit = std::chrono::steady_clock::now() + kDrainLimit;
    while (left_in(admin) > 0 && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (std::size_t i = 0; i < kWorkers; ++i) stop(*victims_[i], "a worker");
    left_ = left_in(admin);
  }

  // Messages that the broker still held at the end, dead letters among them.
  [[nodiscard]] std::int64_t left() const { return left_; }
  [[nodiscard]] Verdict verdict() const { return judge(acks_, runs_, kills_); }

 private:
  void check_alive() {
    for (const auto& victim : victims_)
      if (victim->died()) throw std::runtime_error("a process ended by itself, see its log");
  }
  static void stop(Process& process, const char* what) {
    const int status = process.stop();
    // One that was started a moment ago may not listen yet; it holds nothing either.
    if (status != 0 && status != 128 + SIGTERM)
      throw std::runtime_error(std::string(what) + " ended with status " + std::to_string(status));
  }
  std::int64_t left_in(gander::Admin& admin) const {
    std::int64_t sum = 0;
    for (const gander::QueueStat& q : admin.queues())
      if (q.name == queue_)
        for (const std::int64_t n : {q.ready, q.scheduled, q.leased, q.retry, q.dead})
          sum += std::max<std::int64_t>(n, 0);
    return sum;
  }

  std::string broker_;
  std::string queue_ = "faults-" + std::to_string(getpid());
  std::string acks_, runs_;
  std::vector<std::unique_ptr<Process>> victims_;  // the workers, then the producer
  std::vector<Kill> kills_;
  std::int64_t left_ = 0;
};

void print(int faults, const Verdict& v, bool json) {
  std::printf(json ? "{\"faults\":%d,\"ids\":%zu,\"lost\":%zu,\"duplicates\":%zu,"
                     "\"unexplained\":%zu,\"worst_recovery_s\":%.3f}\n"
                   : "faults            %d\nids               %zu\nlost              %zu\n"
                     "duplicates        %zu\nunexplained       %zu\nworst recovery    %.3f s\n",
              faults, v.ids, v.lost, v.duplicates, v.unexplained, v.worst_recovery_s);
}

}  // namespace

int main(int argc, char** argv) try {
  const bool json = argc == 5 && std::strcmp(argv[4], "--json") == 0;
  const int faults = argc >= 4 ? std::atoi(argv[2]) : 0;
  if (faults <= 0 || argc > 5 || (argc == 5 && !json)) {
    std::fprintf(stderr, "usage: fault_driver sqlite|URL FAULTS BIN [--json]\n");
    return 2;
  }
  Scratch scratch;
  const std::string broker =
      std::strcmp(argv[1], "sqlite") == 0 ? "sqlite:" + scratch.file("faults.db") : argv[1];
  FaultRun run(broker, fs::absolute(argv[3]), scratch);
  run.wait_for_first_run();
  run.inject(faults);
  run.drain();
  const Verdict verdict = run.verdict();
  print(faults, verdict, json);
  for (const std::string& line : verdict.complaints) std::fprintf(stderr, "%s\n", line.c_str());
  if (run.left() > 0)
    std::fprintf(stderr, "%lld messages were left in the broker\n",
                 static_cast<long long>(run.left()));
  const bool right = verdict.lost == 0 && verdict.unexplained == 0 && run.left() == 0;
  scratch.keep = !right;
  return right ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "fault_driver: %s\n", e.what());
  return 1;
}
