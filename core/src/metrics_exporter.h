// Hands the points to the sinks every few seconds.
#pragma once

#include <gander/metrics.h>

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace gander {

// Its duties:
//   1. every `interval` it takes one snapshot, asks the gauge functions, and hands the points to
//      all sinks
//   2. each sink has a thread of its own, so one that is slow or fails costs the others nothing; a
//      busy one misses a round, and loses nothing by it, as points are totals
//   3. a failure of a sink or of a gauge function is counted and logged, the log with back-off:
//      the 1st, 2nd, 4th, 8th... in a row, then the recovery
//   4. stop() exports once more
class MetricsExporter {
 public:
  struct NamedSink {
    std::string name;
    std::unique_ptr<MetricsSink> sink;
    // What the sink needs as long as it lives, such as a plugin's host: released after the sink, be
    // it one that was left behind.
    std::shared_ptr<const void> needs{};
  };
  // Appends the points it knows; runs on the exporter's thread and may do I/O. Its points need
  // neither start_us nor time_us.
  using GaugeFunction = std::function<void(std::vector<Point>&)>;
  using NowFunction = std::function<std::int64_t()>;

  // `metrics` must outlive it. Without sinks it starts no thread.
  MetricsExporter(Metrics& metrics, std::vector<NamedSink> sinks, std::vector<GaugeFunction> gauges,
                  std::chrono::milliseconds interval, NowFunction now_us);
  ~MetricsExporter();
  MetricsExporter(const MetricsExporter&) = delete;
  MetricsExporter& operator=(const MetricsExporter&) = delete;

  // Exports now, and returns when every sink has had these points, or after `patience`; then false.
  bool flush(std::chrono::milliseconds patience);

  // A last export, then ends the threads. A sink that still hangs after `patience` is left behind
  // with a warning: a statistics server that is down must never hold up a deploy. Idempotent.
  void stop(std::chrono::milliseconds patience = std::chrono::seconds(5));

 private:
  class Lane;
  void run(const std::stop_token& stop);
  std::shared_ptr<const std::vector<Point>> collect();

  Metrics& metrics_;
  const std::vector<GaugeFunction> gauges_;
  const std::chrono::milliseconds interval_;
  const NowFunction now_us_;
  std::vector<std::shared_ptr<Lane>> lanes_;
  std::mutex collect_mutex_;  // one collection at a time: gauge functions need not be thread-safe
  std::vector<std::uint64_t> gauge_failures_;  // in a row; guarded by collect_mutex_
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace gander
