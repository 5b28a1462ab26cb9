#include <gander/log.h>
#include <gander/worker.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "../environment.h"
#include "../exit_codes.h"
#include "../output.h"
#include "../values.h"
#include "all.h"

namespace gander::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kReadyPoll = 5ms;

constexpr OptionSpec kOptions[] = {
    {"jobs", "FILE", "a job module (.so) whose jobs it runs", true},
    {"queue", "NAME[:WEIGHT]", "serve this queue; WEIGHT is its share, 1", true},
    {"threads", "N", "jobs that run at once (worker.threads)"},
    {"shutdown-timeout", "TIME", "30 or 30s: what runs may end by then"},
    {"log-level", "LEVEL", "trace, debug, info, warn, error, off"},
};

// "mail:3" -> mail, weight 3.
QueueConfig queue_from(const std::string& text) {
  QueueConfig queue{text, 1};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return queue;
  queue.name = text.substr(0, colon);
  const std::string weight = text.substr(colon + 1);
  if (weight.empty() || weight.size() > 4 ||
      weight.find_first_not_of("0123456789") != weight.npos || std::stoi(weight) < 1 ||
      std::stoi(weight) > 1000)
    throw UsageError{"--queue " + text + ": the weight must be from 1 to 1000, not '" + weight +
                     "'"};
  queue.weight = std::stoi(weight);
  return queue;
}

void choose_queues(Config& config, const std::vector<std::string>& given) {
  if (given.empty()) return;
  config.worker.queues.clear();
  for (const std::string& text : given) {
    const QueueConfig queue = queue_from(text);
    config.worker.queues.push_back(queue.name);
    const auto known = std::find_if(config.queues.begin(), config.queues.end(),
                                    [&](const QueueConfig& q) { return q.name == queue.name; });
    if (known == config.queues.end())
      config.queues.push_back(queue);
    else if (text != queue.name)
      known->weight = queue.weight;
  }
}

Config worker_config(const Arguments& arguments) {
  Config config = config_from(arguments);
  choose_queues(config, arguments.list("queue"));
  if (arguments.has("threads"))
    config.set("worker.threads", arguments.text("threads"), "--threads");
  if (arguments.has("shutdown-timeout")) {
    std::string time = arguments.text("shutdown-timeout");
    if (time.find_first_not_of("0123456789") == std::string::npos) time += "s";
    config.set("worker.shutdown_timeout", time, "--shutdown-timeout");
  }
  if (arguments.has("log-level"))
    config.set("log.level", arguments.text("log-level"), "--log-level");
  config.check();
  set_log_level(*log_level_of(config.log.level));
  return config;
}

std::vector<std::string> served(const Config& config) {
  if (!config.worker.queues.empty()) return config.worker.queues;
  std::vector<std::string> names;
  for (const QueueConfig& queue : config.queues) names.push_back(queue.name);
  if (names.empty()) names.push_back(config.client.queue);
  return names;
}

void say_ready(const Config& config, const Broker& broker, bool json) {
  const std::string plugin = broker.info().plugin;
  if (json) {
    print_json([&](Writer& out) {
      out.begin_object();
      out.key("ready");
      out.boolean(true);
      json_field(out, "pid", std::int64_t{getpid()});
      json_field(out, "broker", plugin);
      json_field(out, "threads", std::int64_t{config.worker.threads});
      json_list(out, "queues", served(config));
      out.end_object();
    });
    return;
  }
  std::cout << "ready: pid " << getpid() << ", broker " << plugin << ", " << config.worker.threads
            << " threads, queues " << joined(served(config)) << std::endl;
}

// A script that waits for the line may rely on a worker that takes.
std::jthread announcer(const Worker& worker, const Config& config, const Broker& broker,
                       bool json) {
  return std::jthread([&worker, &config, &broker, json](const std::stop_token& stop) {
    while (!stop.stop_requested() && !worker.ready()) std::this_thread::sleep_for(kReadyPoll);
    try {
      if (!stop.stop_requested()) say_ready(config, broker, json);
    } catch (const Error&) {
      // the broker went away between the exchange and here; the worker's log says so
    }
  });
}

int run(const Arguments& arguments) {
  const Config config = worker_config(arguments);
  if (!arguments.has("jobs")) throw UsageError{"--jobs FILE is missing: whose jobs shall it run?"};
  const Broker broker = open_broker(config);
  Worker worker(broker, config);
  for (const std::string& file : arguments.list("jobs")) worker.load_jobs(absolute_path(file));
  int code = 0;
  {
    const std::jthread ready = announcer(worker, config, broker, arguments.json());
    code = worker.run();
  }
  if (code == kOk) return kOk;
  // A handler still runs: destructors and exit handlers must not take its ground away.
  std::cout.flush();
  std::cerr << "gander: a handler did not return in time; its message was given back" << std::endl;
  std::_Exit(kNo);
}

}  // namespace

const Command kWorker{
    "worker",
    "Run jobs until it is told to stop",
    "Prints one line when it is ready. Ctrl-C once: takes no more, gives back what has not "
    "begun and waits for what runs; twice: stops now. Exit code 1: a handler did not return.",
    {},
    kOptions,
    kAll,
    run};

}  // namespace gander::cli
