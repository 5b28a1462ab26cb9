// fault_delays sqlite|URL [--jobs N] [--within S] [--json] [--server NAME --services PATH]
//
// Enqueues N jobs, each due at a moment by chance between 1 s and S s from now, kills and starts
// the server when a third of them are due, and looks at when each ran. Exits 0 when none was early
// and none was lost. With no server named, none is killed.
#include <gander/gander.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "append.h"
#include "process.h"
#include "scratch.h"

namespace {

using gander::faults::now_us;
using namespace std::chrono_literals;

// Of each job, set by its first run.
struct Times {
  std::int64_t due_us = 0;
  std::atomic<std::int64_t> ran_us{0};
  std::atomic<int> runs{0};
};
std::vector<Times>* times;
std::atomic<std::size_t> done{0};

void run_job(int number) {
  Times& t = times->at(static_cast<std::size_t>(number));
  if (t.runs++ > 0) return;
  t.ran_us = now_us();
  ++done;
}
constexpr gander::Job<"fault.due", run_job> kDue;

struct Options {
  std::string broker, server, services;
  int jobs = 20'000, within_s = 600;
  bool json = false;
};

Options read_options(int argc, char** argv) {
  const std::invalid_argument usage(
      "usage: fault_delays sqlite|URL [--jobs N] [--within S] [--json]\n"
      "                    [--server NAME --services PATH-OF-TOOLS/SERVICES]");
  Options options;
  if (argc < 2) throw usage;
  options.broker = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      options.json = true;
      continue;
    }
    if (++i == argc) throw usage;
    if (name == "--jobs")
      options.jobs = std::atoi(argv[i]);
    else if (name == "--within")
      options.within_s = std::atoi(argv[i]);
    else if (name == "--server")
      options.server = argv[i];
    else if (name == "--services")
      options.services = std::filesystem::absolute(argv[i]);
    else
      throw usage;
  }
  if (options.jobs < 1 || options.within_s < 2 ||
      options.server.empty() != options.services.empty())
    throw usage;
  return options;
}

// What is on its way at once, so that calls are sent together.
constexpr std::size_t kAtOnce = 1000;

void enqueue_all(const gander::Client& client, const std::string& queue, int within_s) {
  std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> delay(1'000'000, within_s * std::int64_t{1'000'000});
  std::deque<std::future<gander::Id>> sent;
  const auto confirm_first = [&] {
    sent.front().get();
    sent.pop_front();
  };
  for (std::size_t i = 0; i < times->size(); ++i) {
    const std::int64_t due = now_us() + delay(random);
    (*times)[i].due_us = due;
    const std::chrono::system_clock::time_point when{std::chrono::microseconds(due)};
    sent.push_back(client.on(queue).within(30s).at(when).enqueue_async(kDue, static_cast<int>(i)));
    if (sent.size() == kAtOnce) confirm_first();
  }
  while (!sent.empty()) confirm_first();
}

struct Away {
  std::int64_t from_us = 0, to_us = 0;
};

Away restart(const Options& options) {
  const auto services = [&](const char* what) {
    gander::faults::Process script({options.services, what, options.server}, "/dev/null");
    if (script.finish() != 0)
      throw std::runtime_error("tools/services " + std::string(what) + " failed");
  };
  Away away{now_us(), 0};
  services("kill");
  services("start");
  away.to_us = now_us();
  return away;
}

struct Result {
  std::size_t jobs = 0, lost = 0, early = 0, duplicates = 0;
  double worst_early_s = 0;
  double p50_s = 0, p99_s = 0, max_s = 0;  // of those due before the restart, if there was one
  double p99_all_s = 0, max_all_s = 0;
};

double quantile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * q)];
}

Result judge(const Away& away) {
  Result r;
  r.jobs = times->size();
  std::vector<double> all, undisturbed;
  for (const Times& t : *times) {
    if (t.runs == 0) {
      ++r.lost;
      continue;
    }
    r.duplicates += static_cast<std::size_t>(t.runs - 1);
    const double late = static_cast<double>(t.ran_us - t.due_us) / 1e6;
    if (late < 0) ++r.early, r.worst_early_s = std::max(r.worst_early_s, -late);
    all.push_back(late);
    if (away.from_us == 0 || t.ran_us < away.from_us) undisturbed.push_back(late);
  }
  r.p50_s = quantile(undisturbed, 0.5);
  r.p99_s = quantile(undisturbed, 0.99);
  r.max_s = quantile(undisturbed, 1);
  r.p99_all_s = quantile(all, 0.99);
  r.max_all_s = quantile(all, 1);
  return r;
}

void print(const Options& options, const Result& r, const Away& away, double enqueue_s) {
  const double away_s = static_cast<double>(away.to_us - away.from_us) / 1e6;
  std::printf(
      options.json
          ? "{\"jobs\":%zu,\"within_s\":%d,\"lost\":%zu,\"early\":%zu,\"worst_early_s\":%.3f,"
            "\"duplicates\":%zu,\"enqueue_s\":%.1f,\"server_away_s\":%.1f,\"p50_late_s\":%.3f,"
            "\"p99_late_s\":%.3f,\"max_late_s\":%.3f,\"p99_with_restart_s\":%.3f,"
            "\"max_with_restart_s\":%.3f}\n"
          : "jobs              %zu, due within %d s\nlost              %zu\n"
            "early             %zu (%.3f s)\nduplicates        %zu\nenqueued in       %.1f s\n"
            "server away       %.1f s\nlate p50          %.3f s\nlate p99          %.3f s\n"
            "late max          %.3f s\n  with restart p99 %.3f s\n  with restart max %.3f s\n",
      r.jobs, options.within_s, r.lost, r.early, r.worst_early_s, r.duplicates, enqueue_s, away_s,
      r.p50_s, r.p99_s, r.max_s, r.p99_all_s, r.max_all_s);
}

void sleep_until(std::int64_t at_us) {
  std::this_thread::sleep_for(
      std::chrono::microseconds(std::max<std::int64_t>(at_us - now_us(), 0)));
}

}  // namespace

int main(int argc, char** argv) try {
  Options options = read_options(argc, argv);
  gander::faults::Scratch scratch;
  if (options.broker == "sqlite") options.broker = "sqlite:" + scratch.file("delays.db");
  std::vector<Times> storage(static_cast<std::size_t>(options.jobs));
  times = &storage;
  const std::string queue = "delays-" + std::to_string(getpid());
  const gander::Broker broker{options.broker};
  gander::Worker worker(broker);
  worker.handle(kDue).on(queue).threads(4).start();
  const std::int64_t start = now_us();
  enqueue_all(gander::Client(broker), queue, options.within_s);
  const double enqueue_s = static_cast<double>(now_us() - start) / 1e6;
  Away away;
  if (!options.server.empty()) {
    sleep_until(start + options.within_s * std::int64_t{1'000'000} / 3);
    away = restart(options);
  }
  const std::int64_t end = now_us() + (options.within_s + 60) * std::int64_t{1'000'000};
  while (done < storage.size() && now_us() < end) std::this_thread::sleep_for(100ms);
  std::this_thread::sleep_for(1s);  // a second run of the last ones would still be seen
  worker.stop();
  const Result result = judge(away);
  print(options, result, away, enqueue_s);
  scratch.keep = false;
  return result.lost == 0 && result.early == 0 ? 0 : 1;
} catch (const std::invalid_argument& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "fault_delays: %s\n", e.what());
  return 1;
}
