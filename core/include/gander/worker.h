// gander/worker.h -- run jobs.
//
//   gander::Worker{broker}.handle(welcome).run();
//
// Configure it on one thread, then run() or start(); after that quiet() and stop() are thread-safe,
// and ready() and running() at any time. Handlers are called from `threads` threads at once.
#pragma once

#include <gander/broker.h>
#include <gander/job.h>
#include <gander/middleware.h>
#include <gander/retry.h>

namespace gander {

class Metrics;
class MetricsSink;

struct WorkerOptions {
  int threads = 5;
  // Queues with weights, the share of takes each gets while all have work. Empty: "default".
  std::vector<std::pair<std::string, int>> queues;
  bool strict =
      false;  // queues in the order given, a later one only when those before it are empty
  // Jobs taken ahead of free threads: what the worker runs in 10 ms at its present speed, at least
  // this, at most 2,000.
  int prefetch = 1;
  std::chrono::milliseconds shutdown_timeout{30000};
  std::chrono::milliseconds park_delay{15000};  // until an unknown job is looked at again
  int max_crashes = 3;  // a process may die with a message so often; then it is a dead letter
  RetryPolicy retry;    // for jobs registered without one
  std::chrono::milliseconds metrics_interval{10000};  // between two exports
};

struct RunningJob {
  Id id;
  std::string job, queue;
  std::chrono::system_clock::time_point started_at;
  double progress = 0;
  std::string progress_text;
};

class Worker {
 public:
  explicit Worker(const Broker& broker, WorkerOptions options = {});
  // Options, queues, retries and metrics sinks as a gander.toml has them; throws Error(config).
  Worker(const Broker& broker, const Config& config);
  ~Worker();  // stop()
  Worker(Worker&&) noexcept;
  Worker& operator=(Worker&&) = delete;

  template <class J>
  Worker& handle(const J& job) & {
    return add(job.name(), job.version(), &J::run, nullptr);
  }
  template <class J>
  Worker& handle(const J& job, const RetryPolicy& policy) & {
    return add(job.name(), job.version(), &J::run, &policy);
  }
  template <class J>
  Worker&& handle(const J& job) && {
    return std::move(handle(job));
  }
  template <class J>
  Worker&& handle(const J& job, const RetryPolicy& policy) && {
    return std::move(handle(job, policy));
  }
  // A handler by name, with the arguments as they came. `version`: the newest payload it reads.
  Worker& add(std::string_view job, int version,
              std::function<void(Context&, const Reader&)> handler,
              const RetryPolicy* policy = nullptr);
  // Every job of a module (a .so with the jobs table), by absolute path; throws like Broker.
  Worker& load_jobs(const std::string& file);
  Worker& use(Middleware middleware);
  Worker& on(std::string queue, int weight = 1);
  Worker& threads(int n);

  // Works until SIGINT or SIGTERM, or stop() from elsewhere: the first signal drains, the second
  // stops at once. Returns 0, or 1 when a handler did not come back in time. Both signals have
  // their old actions again afterwards.
  int run();
  // The same without signals, in the background.
  void start();
  // Take no more; what was taken goes on.
  void quiet();
  // Quiet; gives back what has not begun; waits for what runs, up to the timeout, then sets the
  // stop tokens and waits one second more. What still runs then is given back too. True when every
  // handler had returned.
  bool stop(std::chrono::milliseconds timeout);
  bool stop();  // with options' shutdown_timeout

  // Blocks until the queues have nothing that is ready and nothing runs, or until the deadline:
  // false.
  bool wait_idle(std::chrono::milliseconds timeout);
  // What it counts; a sink of your own joins by add_sink(), before start.
  [[nodiscard]] Metrics& metrics();
  Worker& add_sink(std::string name, std::unique_ptr<MetricsSink> sink);
  // It has exchanged with the broker within the last few seconds: the readiness that matters, not a
  // ping.
  [[nodiscard]] bool ready() const;
  [[nodiscard]] std::vector<RunningJob> running() const;

 private:
  friend class Testing;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace gander
