#include <algorithm>
#include <random>
#include <thread>

#include <gander/plugins.h>

#include "bench.h"

namespace gander::cli {

using namespace std::chrono_literals;

namespace {

constexpr int kWarmUp = 20;

// The same broker, config and plugins for the other process.
std::vector<std::string> words_for_child(const Bench& bench) {
  std::vector<std::string> words;
  for (const char* name : {"broker", "config", "worker-threads"})
    if (bench.arguments.has(name)) {
      words.push_back("--" + std::string(name));
      words.push_back(bench.arguments.text(name));
    }
  for (const std::string& folder : bench.arguments.list("plugin-path")) {
    words.emplace_back("--plugin-path");
    words.push_back(folder);
  }
  return words;
}

std::string why_alone(const Bench& bench) {
  const auto caps = capability_names(bench.broker.info().capabilities);
  if (std::find(caps.begin(), caps.end(), "multi_process") != caps.end()) return {};
  return "the broker cannot be shared by several processes";
}

double quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

long long seconds_to_watch(const Bench& bench) {
  return bench.arguments.number("idle-seconds", 5, 1, 3600);
}

}  // namespace

Row bench_pickup(Bench& bench) {
  if (const std::string why = why_alone(bench); !why.empty()) return {{}, why};
  if (bench.left > 0) drain(bench);
  const long long n = bench.arguments.number("pickups", 2000, 1, 1'000'000);
  BenchChild child(words_for_child(bench));
  child.read_line(30);  // ready
  const Enqueuer to = bench.enqueuer();
  std::minstd_rand random(1);
  std::uniform_int_distribution<int> gap_us(1'000, 3'000);  // so that the worker is idle again
  std::vector<double> ms;
  for (long long i = -kWarmUp; i < n; ++i) {
    to.enqueue_json(kPickup, "[" + std::to_string(monotonic_ns()) + "]");
    const double took = std::stod(child.read_line(30)) / 1e6;
    if (i >= 0) ms.push_back(took);
    std::this_thread::sleep_for(std::chrono::microseconds(gap_us(random)));
  }
  std::sort(ms.begin(), ms.end());
  return {{{"p50_ms", quantile(ms, 0.5)}, {"p99_ms", quantile(ms, 0.99)}, {"max_ms", ms.back()}},
          {}};
}

Row bench_idle(Bench& bench) {
  if (const std::string why = why_alone(bench); !why.empty()) return {{}, why};
  if (bench.left > 0) drain(bench);
  BenchChild child(words_for_child(bench));
  child.read_line(30);  // ready
  const double before = cpu_seconds(child.pid());
  const std::int64_t start = monotonic_ns();
  std::this_thread::sleep_for(std::chrono::seconds(seconds_to_watch(bench)));
  const double cpu = (cpu_seconds(child.pid()) - before) / seconds_since(start) * 100;
  return {{{"cpu_percent", cpu}, {"rss_mib", resident_mib(child.pid())}}, {}};
}

Row bench_scheduled(Bench& bench) {
  if (const std::string why = why_alone(bench); !why.empty()) return {{}, why};
  try {
    delete_rest(bench, State::scheduled);  // what a run that was killed left
  } catch (const Error& e) {
    if (e.code() != Code::unsupported) throw;
    return {{}, "the broker cannot delete what is scheduled"};
  }
  if (bench.left > 0) drain(bench);
  double empty_mib = 0;
  {
    BenchChild child(words_for_child(bench));
    child.read_line(30);  // ready
    empty_mib = resident_mib(child.pid());
  }
  const std::int64_t start = monotonic_ns();
  enqueue_bulk(bench, bench.enqueuer().in(24h), Nop{}, bench.jobs);
  const double rate = static_cast<double>(bench.jobs) / seconds_since(start);
  const std::int64_t due = monotonic_ns();
  bench.enqueuer().in(100ms).enqueue_json(kPickup, "[" + std::to_string(due) + "]");
  const std::int64_t begin = monotonic_ns();
  double first = 0, mib = 0;
  {
    BenchChild child(words_for_child(bench));
    if (child.read_line(600) == "ready") child.read_line(600);
    first = seconds_since(begin);
    mib = resident_mib(child.pid());
  }
  delete_rest(bench, State::scheduled);
  return {{{"rate", rate},
           {"first_s", first},
           {"rss_mib", mib},
           {"bytes_a_job", (mib - empty_mib) * 1048576 / static_cast<double>(bench.jobs)}},
          {}};
}

Row bench_full(Bench& bench) {
  if (const std::string why = why_alone(bench); !why.empty()) return {{}, why};
  if (bench.left > 0) drain(bench);
  for (const Priority priority : {Priority::high, Priority::normal, Priority::low})
    enqueue_bulk(bench, bench.enqueuer().priority(priority), Hold{}, bench.jobs);
  double mib = 0;
  {
    BenchChild child(words_for_child(bench));
    child.read_line(30);  // ready
    std::this_thread::sleep_for(std::chrono::seconds(seconds_to_watch(bench)));
    mib = most_resident_mib(child.pid());
  }
  delete_rest(bench);
  return {{{"most_rss_mib", mib}}, {}};
}

}  // namespace gander::cli
