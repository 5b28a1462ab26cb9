#include "../bench.h"

#include <gander/testing.h>
#include <gander/worker.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <limits>
#include <thread>

#include "../exit_codes.h"
#include "../output.h"
#include "all.h"

namespace gander::cli {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOps[] = {"enqueue", "drain", "single", "pickup", "idle"};
// Only where they are named: they take long.
constexpr const char *kScheduled = "scheduled", *kFull = "full";

constexpr PositionalSpec kPositionals[] = {{"OP", false, true}};
constexpr OptionSpec kOptions[] = {
    {"jobs", "N", "messages, of full in each priority, 100000"},
    {"pickups", "N", "of pickup, 2000"},
    {"batch", "N", "messages of a call of enqueue, 500"},
    {"payload", "BYTES", "of a message's body as it is stored, 200"},
    {"backlog", "N", "messages that wait behind those of drain, 0"},
    {"threads", "N", "that enqueue at once in single, 16"},
    {"worker-threads", "N", "of the worker, as configured"},
    {"idle-seconds", "N", "how long idle and full watch the worker, 5"},
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

// `bytes` of body: the envelope around the arguments is measured, as it is core's business.
std::string args_for(long long bytes) {
  Testing testing;
  testing.client().enqueue_json(Nop::name(), R"([""])");
  const auto around = static_cast<long long>(testing.enqueued().at(0).body.size());
  return "[\"" + std::string(static_cast<std::size_t>(std::max(0LL, bytes - around)), 'x') + "\"]";
}

Row measure(Bench& bench, const std::string& op) {
  if (op == "enqueue") return bench_enqueue(bench);
  if (op == "drain") return bench_drain(bench);
  if (op == "single") return bench_single(bench);
  if (op == "pickup") return bench_pickup(bench);
  if (op == kScheduled) return bench_scheduled(bench);
  if (op == kFull) return bench_full(bench);
  return bench_idle(bench);
}

std::vector<std::string> chosen(const Arguments& a) {
  std::vector<std::string> ops = a.list("OP");
  if (ops.empty()) return {std::begin(kOps), std::end(kOps)};
  for (const std::string& op : ops)
    if (op != kScheduled && op != kFull &&
        std::find(std::begin(kOps), std::end(kOps), op) == std::end(kOps))
      throw UsageError{"OP is enqueue, drain, single, pickup, idle, scheduled or full, not '" + op +
                       "'"};
  return ops;
}

Config bench_config(const Arguments& a) {
  Config config = config_from(a);
  config.queues.clear();
  config.worker.queues = {std::string(kBenchQueue)};
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
  worker.add(Hold::name(), 1, [](Context&, const Reader&) { std::this_thread::sleep_for(1s); });
  worker.add(kPickup, 1, [](Context&, const Reader& args) {
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
                     "given. What a worker costs while many wait: scheduled (due in a day), full "
                     "(of all priorities). Uses the queue gander-bench and leaves it empty.",
                     kPositionals,
                     kOptions,
                     kAll,
                     run};
const Command kBenchChild{"bench-child",
                          "The worker of bench, where it is another process",
                          "",
                          {},
                          kChildOptions,
                          kAll | kHidden,
                          run_child_worker};

}  // namespace gander::cli
