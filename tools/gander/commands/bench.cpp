#include <gander/admin.h>
#include <gander/client.h>
#include <gander/log.h>
#include <gander/plugins.h>
#include <gander/testing.h>
#include <gander/worker.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <random>
#include <thread>

#include "../bench_child.h"
#include "../environment.h"
#include "../exit_codes.h"
#include "../output.h"
#include "all.h"

namespace gander::cli {
namespace {

using namespace std::chrono_literals;

constexpr int kWarmUp = 20;
constexpr std::string_view kQueue = "gander-bench";
constexpr const char* kOps[] = {"enqueue", "drain", "single", "pickup", "idle"};
constexpr const char* kScheduled = "scheduled";  // only where it is named: it takes long

constexpr PositionalSpec kPositionals[] = {{"OP", false, true}};
constexpr OptionSpec kOptions[] = {
    {"jobs", "N", "messages of enqueue, drain, single and scheduled, 100000"},
    {"pickups", "N", "of pickup, 2000"},
    {"batch", "N", "messages of a call of enqueue, 500"},
    {"payload", "BYTES", "of a message's body as it is stored, 200"},
    {"backlog", "N", "messages that wait behind those of drain, 0"},
    {"threads", "N", "that enqueue at once in single, 16"},
    {"worker-threads", "N", "of the worker, as configured"},
    {"idle-seconds", "N", "how long idle watches the worker, 5"},
};

struct Nop {
  static constexpr std::string_view name() { return "bench.nop"; }
  static constexpr int version() { return 1; }
  static void write_args(Writer& out, const std::string& json) { out.raw(json); }
};

// What all measurements share. `left`: messages enqueued and not yet drained.
struct Bench {
  const Arguments& arguments;
  Config config;
  Broker broker;
  std::string plugin;
  long long jobs;
  std::size_t batch;  // of each call of enqueue
  std::string args;   // of each message
  long long left = 0;

  [[nodiscard]] Enqueuer enqueuer() const {
    return Client(broker).on(std::string(kQueue)).within(60s);
  }
};

// One line, as JSON or for people.
struct Row {
  std::vector<std::pair<std::string, double>> figures;
  std::string skipped;
};

std::string figure_text(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), value >= 1000 ? "%.0f" : "%.3f", value);
  return text;
}

void print_row(const Bench& bench, const std::string& op, const Row& row) {
  if (bench.arguments.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      json_field(out, "broker", bench.plugin);
      json_field(out, "op", op);
      for (const auto& [name, value] : row.figures) {
        out.key(name);
        out.raw(figure_text(value));
      }
      if (!row.skipped.empty()) json_field(out, "skipped", row.skipped);
      out.end_object();
    });
    return;
  }
  std::cout << bench.plugin << "  " << op;
  for (const auto& [name, value] : row.figures)
    std::cout << "  " << name << " " << figure_text(value);
  if (!row.skipped.empty()) std::cout << "  skipped: " << row.skipped;
  std::cout << std::endl;
}

double seconds_since(std::int64_t start_ns) {
  return static_cast<double>(monotonic_ns() - start_ns) / 1e9;
}

// `bytes` of body: the envelope around the arguments is measured, as it is core's business.
std::string args_for(long long bytes) {
  Testing testing;
  testing.client().enqueue_json(Nop::name(), R"([""])");
  const auto around = static_cast<long long>(testing.enqueued().at(0).body.size());
  return "[\"" + std::string(static_cast<std::size_t>(std::max(0LL, bytes - around)), 'x') + "\"]";
}

void enqueue_bulk(const Bench& bench, const Enqueuer& to, long long n) {
  std::vector<std::string> batch(bench.batch, bench.args);
  for (long long sent = 0; sent < n; sent += static_cast<long long>(batch.size())) {
    batch.resize(std::min(bench.batch, static_cast<std::size_t>(n - sent)));
    to.enqueue_all(Nop{}, batch);
  }
}

void enqueue_ready(Bench& bench, long long n) {
  enqueue_bulk(bench, bench.enqueuer(), n);
  bench.left += n;
}

// A broker may connect, and make a queue, when it is first used.
void use_once(Bench& bench) { enqueue_ready(bench, 1); }

Row bench_enqueue(Bench& bench) {
  use_once(bench);
  const std::int64_t start = monotonic_ns();
  enqueue_ready(bench, bench.jobs);
  return {{{"rate", static_cast<double>(bench.jobs) / seconds_since(start)}}, {}};
}

void delete_rest(const Bench& bench, State state = State::ready) {
  Admin admin(bench.broker, 60s);
  for (;;) {
    try {
      admin.purge(state, kQueue);
      return;
    } catch (const Error& e) {
      if (e.code() != Code::timeout) throw;
    }
  }
}

// Runs what waits with handlers that do nothing. The CPU time is that of the whole process.
struct Drained {
  long long n;
  double seconds, cpu_seconds;
};
// With a backlog only the first `jobs` of what waits; the others are deleted afterwards.
Drained drain(Bench& bench, long long backlog = 0) {
  std::atomic<long long> done = 0;
  Config config = bench.config;
  config.metrics.clear();
  Worker worker(bench.broker, config);
  worker.add(Nop::name(), 1,
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
    to.enqueue_json("bench.pickup", "[" + std::to_string(monotonic_ns()) + "]");
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
  const long long seconds = bench.arguments.number("idle-seconds", 5, 1, 3600);
  BenchChild child(words_for_child(bench));
  child.read_line(30);  // ready
  const double before = cpu_seconds(child.pid());
  const std::int64_t start = monotonic_ns();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const double cpu = (cpu_seconds(child.pid()) - before) / seconds_since(start) * 100;
  return {{{"cpu_percent", cpu}, {"rss_mib", resident_mib(child.pid())}}, {}};
}

// What so many that are due in a day cost a worker that starts: memory, and the time until it runs
// one that is due now.
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
  enqueue_bulk(bench, bench.enqueuer().in(24h), bench.jobs);
  const double rate = static_cast<double>(bench.jobs) / seconds_since(start);
  const std::int64_t due = monotonic_ns();
  bench.enqueuer().in(100ms).enqueue_json("bench.pickup", "[" + std::to_string(due) + "]");
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

Row measure(Bench& bench, const std::string& op) {
  if (op == "enqueue") return bench_enqueue(bench);
  if (op == "drain") return bench_drain(bench);
  if (op == "single") return bench_single(bench);
  if (op == "pickup") return bench_pickup(bench);
  if (op == kScheduled) return bench_scheduled(bench);
  return bench_idle(bench);
}

std::vector<std::string> chosen(const Arguments& a) {
  std::vector<std::string> ops = a.list("OP");
  if (ops.empty()) return {std::begin(kOps), std::end(kOps)};
  for (const std::string& op : ops)
    if (op != kScheduled && std::find(std::begin(kOps), std::end(kOps), op) == std::end(kOps))
      throw UsageError{"OP is enqueue, drain, single, pickup, idle or scheduled, not '" + op + "'"};
  return ops;
}

Config bench_config(const Arguments& a) {
  Config config = config_from(a);
  config.queues.clear();
  config.worker.queues = {std::string(kQueue)};
  if (a.has("worker-threads"))
    config.set("worker.threads", a.text("worker-threads"), "--worker-threads");
  config.check();
  return config;
}

int run(const Arguments& a) {
  const std::vector<std::string> ops = chosen(a);
  Config config = bench_config(a);
  Broker broker = open_broker(config);
  const std::string plugin = broker.info().plugin;
  Bench bench{a,
              std::move(config),
              std::move(broker),
              plugin,
              a.number("jobs", 100'000, 1, 1'000'000'000),
              static_cast<std::size_t>(a.number("batch", 500, 1, 1'000'000)),
              args_for(a.number("payload", 200, 0, 1'000'000))};
  drain(bench);  // what a run that was killed left
  for (const std::string& op : ops) print_row(bench, op, measure(bench, op));
  if (bench.left > 0) drain(bench);
  return kOk;
}

// The other process: says "ready", then for each message how long it took to get here.
int run_child_worker(const Arguments& a) {
  const Config config = bench_config(a);
  Worker worker(open_broker(config), config);
  worker.add(Nop::name(), 1, [](Context&, const Reader&) {});
  worker.add("bench.pickup", 1, [](Context&, const Reader& args) {
    const std::int64_t now = monotonic_ns();
    const std::int64_t sent = args.at(0).integer(0, std::numeric_limits<std::int64_t>::max());
    const std::string line = std::to_string(now - sent) + "\n";
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) throw Discard("nobody reads");
  });
  const std::jthread ready([&worker](const std::stop_token& stop) {
    while (!stop.stop_requested() && !worker.ready()) std::this_thread::sleep_for(1ms);
    std::cout << "ready" << std::endl;
  });
  return worker.run() == 0 ? kOk : kNo;
}

constexpr OptionSpec kChildOptions[] = {{"worker-threads", "N", "of the worker"}};

}  // namespace

const Command kBench{"bench",
                     "Measure a broker through the public API",
                     "OP: enqueue (many a call), drain, single (one a call, many threads), pickup "
                     "(from this process to a worker in another), idle; all of these when none is "
                     "given. scheduled: what so many messages that are due in a day cost a worker "
                     "that starts. Uses the queue gander-bench and leaves it empty.",
                     kPositionals,
                     kOptions,
                     kAll,
                     run};
const Command kBenchChild{
    "bench-child",   "The worker of bench pickup and idle", "", {}, kChildOptions, kAll | kHidden,
    run_child_worker};

}  // namespace gander::cli
