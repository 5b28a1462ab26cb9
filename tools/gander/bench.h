// What the measurements of `gander bench` share, and each of them.
#pragma once

#include <gander/admin.h>
#include <gander/client.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench_child.h"
#include "environment.h"

namespace gander::cli {

constexpr std::string_view kBenchQueue = "gander-bench";

// The jobs of the benchmark: `Nop` ends at once, `Hold` takes a second.
struct Nop {
  static constexpr std::string_view name() { return "bench.nop"; }
  static constexpr int version() { return 1; }
  static void write_args(Writer& out, const std::string& json) { out.raw(json); }
};
struct Hold : Nop {
  static constexpr std::string_view name() { return "bench.hold"; }
};
constexpr std::string_view kPickup = "bench.pickup";  // tells how long it took to get there

// `left`: messages enqueued and not yet drained.
struct Bench {
  const Arguments& arguments;
  Config config;
  Broker broker;
  std::string plugin;
  long long jobs;
  std::size_t batch;  // of each call of enqueue
  std::string args;   // of each message
  long long left = 0;

  [[nodiscard]] Enqueuer enqueuer() const;
};

// One line, as JSON or for people.
struct Row {
  std::vector<std::pair<std::string, double>> figures;
  std::string skipped;
};

double seconds_since(std::int64_t start_ns);

// As many calls as it takes, of `bench.batch` messages each.
template <class Job>
void enqueue_bulk(const Bench& bench, const Enqueuer& to, Job job, long long n) {
  std::vector<std::string> batch(bench.batch, bench.args);
  for (long long sent = 0; sent < n; sent += static_cast<long long>(batch.size())) {
    batch.resize(std::min(bench.batch, static_cast<std::size_t>(n - sent)));
    to.enqueue_all(job, batch);
  }
}

// Runs what waits with handlers that do nothing. The CPU time is that of the whole process.
struct Drained {
  long long n;
  double seconds, cpu_seconds;
};
// With a backlog only the first `jobs` of what waits; the others are deleted afterwards.
Drained drain(Bench& bench, long long backlog = 0);
void delete_rest(const Bench& bench, State state = State::ready);

// bench_here.cpp: in this process.
Row bench_enqueue(Bench& bench);
Row bench_drain(Bench& bench);
Row bench_single(Bench& bench);

// bench_apart.cpp: with a worker in another one; skipped where the broker cannot be shared.
Row bench_pickup(Bench& bench);
Row bench_idle(Bench& bench);
// What so many that are due in a day cost a worker that starts: memory, and the time until it runs
// one that is due now.
Row bench_scheduled(Bench& bench);
// What a worker has resident at most while so many wait for it in each priority.
Row bench_full(Bench& bench);

}  // namespace gander::cli
