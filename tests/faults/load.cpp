#include "load.h"

#include <gander/admin.h>
#include <gander/gander.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace fs = std::filesystem;

namespace gander::faults {

namespace {

constexpr auto kDrainLimit = std::chrono::seconds(60);
constexpr auto kReaped = std::chrono::seconds(3);

// The way of the process with this number; nothing where any port will do.
std::optional<std::pair<std::uint16_t, std::uint16_t>> way(const std::string& ways,
                                                           std::size_t number) {
  std::istringstream all(ways);
  std::uint16_t listener = 0, proxy = 0;
  char colon = 0;
  for (std::size_t i = 0; all >> listener >> colon >> proxy; ++i)
    if (i == number) return std::pair(listener, proxy);
  return std::nullopt;
}

}  // namespace

void stop(Process& process, const char* what) {
  const int status = process.stop();
  // One that was started a moment ago may not listen yet; it holds nothing either.
  if (status != 0 && status != 128 + SIGTERM)
    throw std::runtime_error(std::string(what) + " ended with status " + std::to_string(status));
}

Load::Load(const Options& options, const Scratch& scratch)
    : broker_(options.broker),
      server_(options.server),
      leftovers_(options.leftovers),
      leftovers_log_(scratch.file("leftovers")),
      workers_log_(scratch.file("workers.log")),
      bin_(options.bin),
      lease_(options.lease_ms),
      logs_{scratch.file("acks"), scratch.file("runs")} {
  for (std::size_t i = 0; i <= kWorkers; ++i) members_.push_back(member(options, scratch, i));
}

Member Load::member(const Options& options, const Scratch& scratch, std::size_t number) {
  Member made;
  std::string url = broker_;
  if (options.on_network()) {
    const auto given = way(options.ways, number);
    made.proxy = given ? std::make_unique<test::Proxy>(given->first, given->second)
                       : std::make_unique<test::Proxy>(test::port_of(broker_));
    url = test::with_port(broker_, made.proxy->port());
  }
  if (number < kWorkers)
    made.process = std::make_unique<Process>(
        options.names.empty() ? worker_on(url) : named_worker_on(url, options.names, number),
        workers_log_);
  else
    made.process =
        std::make_unique<Process>(std::vector<std::string>{(bin_ / "fault_producer").string(), url,
                                                           queue_, logs_.acks, logs_.runs},
                                  scratch.file("producer.log"));
  return made;
}

std::vector<std::string> Load::worker_on(const std::string& url) const {
  return {(bin_ / "gander").string(),
          "worker",
          "--broker",
          url,
          "--jobs",
          (bin_ / "../lib/fault_jobs.so").lexically_normal(),
          "--queue",
          queue_,
          "--threads",
          "4"};
}

std::vector<std::string> Load::named_worker_on(const std::string& url, const std::string& option,
                                               std::size_t number) const {
  std::string variable = "GANDER_BROKERS_FAULTS_";
  for (const char c : option)
    variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::vector<std::string> command = {"/usr/bin/env", "GANDER_BROKERS_FAULTS_URL=" + url,
                                      variable + "=worker-" + std::to_string(number)};
  for (const std::string& word : worker_on("faults")) command.push_back(word);
  return command;
}

std::unique_ptr<Process> Load::guest() const {
  return std::make_unique<Process>(worker_on(broker_), workers_log_);
}

void Load::wait_for_first_run() const {
  const auto limit = std::chrono::steady_clock::now() + kDrainLimit;
  while (!fs::exists(logs_.runs) || fs::file_size(logs_.runs) == 0) {
    if (std::chrono::steady_clock::now() > limit)
      throw std::runtime_error("no job ran within 60 s of the start");
    check_alive();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void Load::check_alive() const {
  for (const Member& each : members_)
    if (each.process->died()) throw std::runtime_error("a process ended by itself, see its log");
}

void Load::drain() {
  stop(*members_.back().process, "the producer");
  const auto limit = std::chrono::steady_clock::now() + kDrainLimit;
  while (ask_left() != 0 && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  // So that the lease of each incarnation that was abandoned ends while somebody looks after it.
  if (!leftovers_.empty()) std::this_thread::sleep_for(lease_ + kReaped);
  for (std::size_t i = 0; i < kWorkers; ++i) stop(*members_[i].process, "a worker");
  left_ = ask_left();
  if (leftovers_.empty()) return;
  clean_ = Process({leftovers_, server_, broker_}, leftovers_log_).finish() == 0;
}

std::int64_t Load::ask_left() const try {
  gander::Admin admin{gander::Broker{broker_}};
  std::int64_t sum = 0;
  for (const gander::QueueStat& q : admin.queues())
    if (q.name == queue_)
      for (const std::int64_t n : {q.ready, q.scheduled, q.leased, q.retry, q.dead})
        sum += std::max<std::int64_t>(n, 0);
  return sum;
} catch (const gander::Error& e) {
  if (e.code() == gander::Code::unavailable || e.code() == gander::Code::timeout) return -1;
  throw;
}

}  // namespace gander::faults
