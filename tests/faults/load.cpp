#include "load.h"

#include <gander/admin.h>
#include <gander/gander.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace fs = std::filesystem;

namespace gander::faults {

namespace {

constexpr auto kDrainLimit = std::chrono::seconds(60);
constexpr auto kReaped = std::chrono::seconds(3);

void stop(Process& process, const char* what) {
  const int status = process.stop();
  // One that was started a moment ago may not listen yet; it holds nothing either.
  if (status != 0 && status != 128 + SIGTERM)
    throw std::runtime_error(std::string(what) + " ended with status " + std::to_string(status));
}

}  // namespace

Load::Load(const Options& options, const Scratch& scratch)
    : broker_(options.broker),
      server_(options.server),
      leftovers_(options.leftovers),
      leftovers_log_(scratch.file("leftovers")),
      lease_(options.lease_ms),
      logs_{scratch.file("acks"), scratch.file("runs")} {
  for (std::size_t i = 0; i <= kWorkers; ++i)
    members_.push_back(member(options, scratch, i == kWorkers));
}

Member Load::member(const Options& options, const Scratch& scratch, bool producer) {
  Member made;
  std::string url = broker_;
  if (options.on_network()) {
    made.proxy = std::make_unique<test::Proxy>(test::port_of(broker_));
    url = test::with_port(broker_, made.proxy->port());
  }
  std::vector<std::string> command;
  if (producer)
    command = {(options.bin / "fault_producer").string(), url, queue_, logs_.acks, logs_.runs};
  else
    command = {(options.bin / "gander").string(),
               "worker",
               "--broker",
               url,
               "--jobs",
               (options.bin / "../lib/fault_jobs.so").lexically_normal(),
               "--queue",
               queue_,
               "--threads",
               "4"};
  made.process = std::make_unique<Process>(std::move(command),
                                           scratch.file(producer ? "producer.log" : "workers.log"));
  return made;
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
