#include <gander/config.h>
#include <gander/log.h>
#include <gander/worker.h>

#include <algorithm>
#include <csignal>

#include "envelope.h"
#include "job_module.h"
#include "log.h"
#include "signal_pipe.h"
#include "sinks.h"
#include "worker_impl.h"

namespace gander {
namespace {

using namespace std::chrono_literals;

constexpr auto kAfterStopToken = 1s;
constexpr auto kReadyWithin = 15s;
// Some senders signal a process and then its group: that is one wish, not two.
constexpr auto kSameWish = 250ms;

WorkerOptions options_from(const Config& config) {
  WorkerOptions o;
  o.threads = config.worker.threads;
  for (const auto& q : config.queues) o.queues.emplace_back(q.name, q.weight);
  if (!config.worker.queues.empty()) {
    std::vector<std::pair<std::string, int>> served;
    for (const auto& name : config.worker.queues) {
      const auto known = std::find_if(o.queues.begin(), o.queues.end(),
                                      [&](const auto& q) { return q.first == name; });
      served.emplace_back(name, known == o.queues.end() ? 1 : known->second);
    }
    o.queues = std::move(served);
  }
  if (o.queues.empty()) o.queues.emplace_back(config.client.queue, 1);
  if (config.worker.prefetch != WorkerConfig::kAutomatic) o.prefetch = config.worker.prefetch;
  o.shutdown_timeout = config.worker.shutdown_timeout;
  o.max_crashes = config.retry.max_crashes;
  o.retry.max_retries = config.retry.max_retries;
  o.retry.queue = config.retry.queue;
  o.retry.skip_dead = config.retry.skip_dead;
  o.metrics_interval = config.metrics_interval;
  return o;
}

}  // namespace

Worker::Impl::Impl(std::shared_ptr<BrokerHandle> broker_handle, WorkerOptions worker_options)
    : broker(std::move(broker_handle)),
      options(std::move(worker_options)),
      metrics(broker->clock().now_us()) {
  check();
}

Worker::Impl::~Impl() = default;

void Worker::Impl::check() const {
  if (options.threads < 1)
    throw Error(Code::invalid_argument,
                "a worker needs 1 thread or more, not " + std::to_string(options.threads));
  for (const auto& [queue, weight] : options.queues) check_queue_name(queue);
  if (!options.retry.queue.empty()) check_queue_name(options.retry.queue);
}

std::vector<std::pair<std::string, int>> Worker::Impl::queues() const {
  if (options.queues.empty()) return {{"default", 1}};
  return options.queues;
}

void Worker::Impl::add(std::string_view job, int version,
                       std::function<void(Context&, const Reader&)> handler,
                       const RetryPolicy* policy) {
  check_job_name(job);
  Handler entry{version, std::move(handler), {}};
  if (policy != nullptr) entry.policy = *policy;
  if (entry.policy && !entry.policy->queue.empty()) check_queue_name(entry.policy->queue);
  if (!workshop.handlers.emplace(std::string(job), std::move(entry)).second)
    throw Error(Code::invalid_argument,
                "two handlers for job '" + std::string(job) + "': each job has one");
}

void Worker::Impl::start() {
  if (pump) throw Error(Code::invalid_state, "this worker has been started before: make another");
  check();
  workshop.retry = options.retry;
  workshop.max_crashes = options.max_crashes;
  workshop.park_delay = options.park_delay;
  workshop.clock = &broker->clock();
  workshop.metrics = &metrics;
  const auto threads = static_cast<std::size_t>(options.threads);
  const Counter recovered = metrics.counter(metric::kRecovered);
  pump =
      std::make_unique<Pump>(broker,
                             PumpOptions{queues(), options.strict, threads,
                                         static_cast<std::size_t>(std::max(0, options.prefetch))},
                             [recovered](std::uint64_t n) { recovered.add(n); });
  for (std::size_t i = 0; i < threads; ++i)
    slots.push_back(std::make_unique<RunSlot>([this] { watchdog->arm(); }));
  watchdog = std::make_unique<Watchdog>(slots, broker->clock());
  begin_exports();
  is_started.store(true, std::memory_order_release);
  const auto self = shared_from_this();
  pump_thread = std::thread([self] { self->pump->run(); });
  for (auto& slot : slots) executors.emplace_back([self, &slot] { self->run_executor(*slot); });
}

void Worker::Impl::run_executor(RunSlot& slot) {
  Executor executor(workshop);
  std::optional<Settlement> finished;
  while (auto delivery = pump->next(std::move(finished)))
    finished = executor.run(std::move(*delivery), slot);
}

void Worker::Impl::begin_exports() {
  exporter = std::make_unique<MetricsExporter>(
      metrics, std::move(sinks), std::vector<MetricsExporter::GaugeFunction>{queue_gauges(broker)},
      options.metrics_interval, [this] { return broker->clock().now_us(); });
}

bool Worker::Impl::stop(std::chrono::milliseconds timeout) {
  asked_to_stop.request_stop();
  const std::lock_guard lock(
      stop_mutex);  // a second caller waits for the first, and hears the same
  if (!started() || stopped) return returned;
  stopped = true;
  pump->stop();
  bool all = pump->wait_settled(timeout);
  if (!all) {
    for (const auto& slot : slots) slot->stop_for_shutdown();
    all = pump->wait_returned(kAfterStopToken) && pump->wait_settled(kAfterStopToken);
  }
  if (!all) {
    for (const auto& slot : slots)
      if (const auto job = slot->look())
        log(LogLevel::error, "the handler did not return in time; its message is given back",
            {{"job", job->job}, {"queue", job->queue}});
    pump->abandon();
  }
  if (pump_thread.joinable()) pump_thread.join();
  // settlements that could not be sent are another matter: the broker has their messages still
  returned = pump->wait_returned(std::chrono::milliseconds(0));
  for (auto& thread : executors) {
    if (returned)
      thread.join();
    else
      thread.detach();  // a thread cannot be ended from outside; what it holds it keeps alive
  }
  if (exporter) exporter->stop();
  return returned;
}

Worker::Worker(const Broker& broker, WorkerOptions options)
    : impl_(std::make_shared<Impl>(broker.handle(), std::move(options))) {}

Worker::Worker(const Broker& broker, const Config& config) : Worker(broker, options_from(config)) {
  impl_->sinks = configured_sinks(config, impl_->broker->shared_clock());
}

Worker::~Worker() {
  if (impl_) impl_->stop(impl_->options.shutdown_timeout);
}
Worker::Worker(Worker&&) noexcept = default;

Worker& Worker::add(std::string_view job, int version,
                    std::function<void(Context&, const Reader&)> handler,
                    const RetryPolicy* policy) {
  impl_->add(job, version, std::move(handler), policy);
  return *this;
}

Worker& Worker::load_jobs(const std::string& file) {
  for (auto& job : jobs_of_module(file, impl_->broker->shared_clock()))
    impl_->add(job.name, job.version, job.run, nullptr);
  return *this;
}

Worker& Worker::use(Middleware middleware) {
  impl_->workshop.middlewares.push_back(std::move(middleware));
  return *this;
}

Worker& Worker::on(std::string queue, int weight) {
  check_queue_name(queue);
  impl_->options.queues.emplace_back(std::move(queue), weight);
  return *this;
}

Worker& Worker::threads(int n) {
  impl_->options.threads = n;
  return *this;
}

int Worker::run() {
  SignalPipe signals({SIGINT, SIGTERM});
  start();
  if (!signals.wait(impl_->asked_to_stop.get_token())) return stop() ? 0 : 1;
  log(LogLevel::info, "stopping: waiting for what runs; once more stops at once");
  std::jthread impatience([&](const std::stop_token& stop) {
    const auto first = std::chrono::steady_clock::now();
    while (signals.wait(stop)) {
      if (std::chrono::steady_clock::now() - first < kSameWish) continue;
      log(LogLevel::warn, "stopping at once");
      for (const auto& slot : impl_->slots) slot->stop_for_shutdown();
      impl_->pump->abandon();
    }
  });
  return stop() ? 0 : 1;
}

void Worker::start() { impl_->start(); }
void Worker::quiet() {
  if (impl_->started()) impl_->pump->quiet();
}
bool Worker::stop(std::chrono::milliseconds timeout) { return impl_->stop(timeout); }
bool Worker::stop() { return impl_->stop(impl_->options.shutdown_timeout); }

bool Worker::wait_idle(std::chrono::milliseconds timeout) {
  if (!impl_->started())
    throw Error(Code::invalid_state, "wait_idle() of a worker that was not started");
  return impl_->pump->wait_idle(timeout);
}

Metrics& Worker::metrics() { return impl_->metrics; }
Worker& Worker::add_sink(std::string name, std::unique_ptr<MetricsSink> sink) {
  impl_->sinks.push_back({std::move(name), std::move(sink)});
  return *this;
}

bool Worker::ready() const {
  return impl_->started() &&
         std::chrono::steady_clock::now() - impl_->pump->last_exchange() < kReadyWithin &&
         impl_->pump->last_exchange() != std::chrono::steady_clock::time_point{};
}

std::vector<RunningJob> Worker::running() const {
  std::vector<RunningJob> all;
  if (!impl_->started()) return all;
  for (const auto& slot : impl_->slots)
    if (auto job = slot->look()) all.push_back(std::move(*job));
  return all;
}

}  // namespace gander
