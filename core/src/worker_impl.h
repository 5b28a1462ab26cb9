// The inside of Worker: the pump, the executors, and what they share.
#pragma once

#include <gander/worker.h>

#include <atomic>
#include <mutex>
#include <stop_token>
#include <thread>

#include "executor.h"
#include "metrics_exporter.h"
#include "pump.h"
#include "watchdog.h"

namespace gander {

// Kept alive by every thread of the worker: a handler that never returns may outlive the Worker
// object.
struct Worker::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(std::shared_ptr<BrokerHandle> broker_handle, WorkerOptions worker_options);
  ~Impl();

  void add(std::string_view job, int version, std::function<void(Context&, const Reader&)> handler,
           const RetryPolicy* policy);
  // Throws Error(invalid_argument) for options that cannot work.
  void check() const;
  void start();
  bool stop(std::chrono::milliseconds timeout);
  // Then pump and slots are there, and stay: other threads may look at them.
  [[nodiscard]] bool started() const { return is_started.load(std::memory_order_acquire); }
  // The queues it serves, "default" when none were named.
  [[nodiscard]] std::vector<std::pair<std::string, int>> queues() const;

  std::shared_ptr<BrokerHandle> broker;
  WorkerOptions options;
  Workshop workshop;
  Metrics metrics;
  std::vector<MetricsExporter::NamedSink> sinks;

  std::unique_ptr<Pump> pump;
  std::vector<std::unique_ptr<RunSlot>> slots;
  std::atomic<bool> is_started{false};
  std::vector<std::thread> executors;
  std::thread pump_thread;
  std::unique_ptr<MetricsExporter> exporter;
  std::unique_ptr<Watchdog> watchdog;
  std::stop_source asked_to_stop;
  std::mutex stop_mutex;
  bool stopped = false;  // guarded by stop_mutex, as is the next
  bool returned = true;  // every handler, when it stopped

 private:
  void run_executor(RunSlot& slot);
  void begin_exports();
};

}  // namespace gander
