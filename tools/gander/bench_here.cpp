#include <gander/admin.h>
#include <gander/worker.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "bench.h"

namespace gander::cli {

using namespace std::chrono_literals;

namespace {

void enqueue_ready(Bench& bench, long long n) {
  enqueue_bulk(bench, bench.enqueuer(), Nop{}, n);
  bench.left += n;
}

// A broker may connect, and make a queue, when it is first used.
void use_once(Bench& bench) { enqueue_ready(bench, 1); }

}  // namespace

Enqueuer Bench::enqueuer() const { return Client(broker).on(std::string(kBenchQueue)).within(60s); }

double seconds_since(std::int64_t start_ns) {
  return static_cast<double>(monotonic_ns() - start_ns) / 1e9;
}

Row bench_enqueue(Bench& bench) {
  use_once(bench);
  const std::int64_t start = monotonic_ns();
  enqueue_ready(bench, bench.jobs);
  return {{{"rate", static_cast<double>(bench.jobs) / seconds_since(start)}}, {}};
}

void delete_rest(const Bench& bench, State state) {
  Admin admin(bench.broker, 60s);
  for (;;) {
    try {
      admin.purge(state, kBenchQueue);
      return;
    } catch (const Error& e) {
      if (e.code() != Code::timeout) throw;
    }
  }
}

Drained drain(Bench& bench, long long backlog) {
  std::atomic<long long> done = 0;
  Config config = bench.config;
  config.metrics.clear();
  Worker worker(bench.broker, config);
  for (const auto job : {Nop::name(), Hold::name()})  // the latter as a run that was killed left it
    worker.add(job, 1,
               [&done](Context&, const Reader&) { done.fetch_add(1, std::memory_order_relaxed); });
  const double cpu_before = cpu_seconds(getpid());
  const std::int64_t start = monotonic_ns();
  worker.start();
  if (backlog > 0) {
    while (done < bench.jobs) std::this_thread::sleep_for(1ms);
  } else if (!worker.wait_idle(std::chrono::hours(1))) {
    throw Error(Code::timeout, "the queue was not empty after an hour");
  }
  const Drained drained{done, seconds_since(start), cpu_seconds(getpid()) - cpu_before};
  worker.stop();
  if (backlog > 0) delete_rest(bench);
  bench.left = 0;
  return drained;
}

Row bench_drain(Bench& bench) {
  const long long backlog = bench.arguments.number("backlog", 0, 0, 1'000'000'000);
  const long long wanted = bench.jobs + backlog;
  if (bench.left < wanted) enqueue_ready(bench, wanted - bench.left);
  const Drained d = drain(bench, backlog);
  return {{{"rate", static_cast<double>(d.n) / d.seconds},
           {"cpu_s", d.cpu_seconds},
           {"rss_mib", resident_mib(getpid())}},
          {}};
}

Row bench_single(Bench& bench) {
  const long long threads = bench.arguments.number("threads", 16, 1, 1024);
  const Enqueuer to = bench.enqueuer();
  use_once(bench);
  std::atomic<long long> next = 0;
  const std::int64_t start = monotonic_ns();
  {
    std::vector<std::future<void>> all;
    for (long long t = 0; t < threads; ++t)
      all.push_back(std::async(std::launch::async, [&] {
        while (next.fetch_add(1) < bench.jobs) to.enqueue(Nop{}, bench.args);
      }));
    for (auto& one : all) one.get();
  }
  const double took = seconds_since(start);
  bench.left += bench.jobs;
  return {
      {{"rate", static_cast<double>(bench.jobs) / took}, {"threads", static_cast<double>(threads)}},
      {}};
}

}  // namespace gander::cli
