// gander/metrics.h -- the numbers gander keeps, and where they can be read.
//
// Counting is done per thread: an increment is a load and a store in memory that only its own
// thread writes, a few nanoseconds, and never waits. A reader adds the threads up. Names and tags
// are those of Goose; a sink puts its own prefix before them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gander {

// The values are those of GANDER_COUNTER ... in the plugin ABI.
enum class MetricType : int { counter = 1, gauge = 2, histogram = 3 };

struct MetricInfo {
  std::string_view name;
  MetricType type;
  std::string_view unit;  // "1" or "ms"
  std::string_view help;
};

// Every name there is. `F` `Q`: carries the labels function and queue; `Q`: queue alone.
namespace metric {
inline constexpr std::string_view kFunction = "function";  // the job's name
inline constexpr std::string_view kQueue = "queue";

using enum MetricType;
// F Q: one run of a job each
inline constexpr MetricInfo kProcessed{"jobs.processed", counter, "1", "runs that ended"};
inline constexpr MetricInfo kSucceeded{"jobs.succeeded", counter, "1", "runs that succeeded"};
inline constexpr MetricInfo kFailed{"jobs.failed", counter, "1", "runs that failed"};
inline constexpr MetricInfo kRecovered{"jobs.recovered", counter, "1",
                                       "deliveries taken over from a worker that died"};
inline constexpr MetricInfo kExecutionTime{"job.execution_time", histogram, "ms",
                                           "time in middleware and handler"};
// F Q: how late a run began; each run records exactly one of these three
inline constexpr MetricInfo kExecutionLatency{"execution.latency", histogram, "ms",
                                              "from enqueue to the start of the first run"};
inline constexpr MetricInfo kScheduledLatency{"scheduled.latency", histogram, "ms",
                                              "from its due time to the start of a scheduled job"};
inline constexpr MetricInfo kRetryLatency{"retry.latency", histogram, "ms",
                                          "from its due time to the start of a retry; only if > 0"};
// no labels: of the broker, asked for at each export
inline constexpr MetricInfo kTotalEnqueued{"total_enqueued_jobs.count", gauge, "1",
                                           "messages ready, over all queues"};
inline constexpr MetricInfo kScheduled{"scheduled_jobs.count", gauge, "1",
                                       "messages that wait for their due time"};
inline constexpr MetricInfo kDead{"dead_jobs.count", gauge, "1", "dead letters"};
inline constexpr std::string_view kEnqueuedHelp = "messages ready in this queue";
// "enqueued_jobs.<queue>.count", a gauge for each queue
[[nodiscard]] std::string enqueued_name(std::string_view queue);
// `sink`: of the exporter itself
inline constexpr MetricInfo kExportFailed{"metrics.export_failed", counter, "1",
                                          "exports that a sink refused"};
}  // namespace metric

// Upper bounds of every histogram's buckets, in ms, each inclusive; one open bucket follows.
inline constexpr double kHistogramBounds[] = {
    0.1, 0.2, 0.5, 1,    2,    5,    10,   20,    50,    100,   200,    500,
    1e3, 2e3, 5e3, 10e3, 20e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1800e3, 3600e3};
inline constexpr std::size_t kHistogramBuckets = std::size(kHistogramBounds) + 1;

struct Label {
  std::string key;
  std::string value;
  friend bool operator==(const Label&, const Label&) = default;
};

// One series at one moment. Counters and histograms are totals since `start_us`.
struct Point {
  std::string name;
  MetricType type = MetricType::gauge;
  std::string unit = "1";
  std::string help;
  std::vector<Label> labels;
  double value = 0;                    // counter, gauge
  std::uint64_t count = 0;             // histogram
  double sum = 0;                      // histogram
  std::vector<std::uint64_t> buckets;  // histogram: kHistogramBuckets, each of its bucket alone
  std::int64_t start_us = 0;           // Unix time
  std::int64_t time_us = 0;
};

// Where points go. The calls on one sink are serialised; points are borrowed. A sink reports a
// failure by throwing: it is counted and logged, and the next call brings totals again.
class MetricsSink {
 public:
  MetricsSink() = default;
  MetricsSink(const MetricsSink&) = delete;
  MetricsSink& operator=(const MetricsSink&) = delete;
  virtual ~MetricsSink() = default;
  virtual void export_points(std::span<const Point> points) = 0;
};

class MetricsState;  // core/src/metrics.h

// A handle to one series: found once, then used on the hot path from any thread. Copies are cheap
// and mean the same series. A handle made by default counts nothing.
class Counter {
 public:
  Counter() = default;
  void add(std::uint64_t n = 1) const noexcept;

 private:
  friend class Metrics;
  Counter(std::shared_ptr<MetricsState> state, std::uint32_t cell)
      : state_(std::move(state)), cell_(cell) {}
  std::shared_ptr<MetricsState> state_;
  std::uint32_t cell_ = 0;
};

class Histogram {
 public:
  Histogram() = default;
  // Less than zero (a clock set back) counts as zero.
  void record(double ms) const noexcept;
  void record(std::chrono::nanoseconds time) const noexcept {
    record(std::chrono::duration<double, std::milli>(time).count());
  }

 private:
  friend class Metrics;
  Histogram(std::shared_ptr<MetricsState> state, std::uint32_t cell)
      : state_(std::move(state)), cell_(cell) {}
  std::shared_ptr<MetricsState> state_;
  std::uint32_t cell_ = 0;
};

// The registry. Every function may be called from any thread. It may end before the handles that
// came from it: they then count where nobody looks.
class Metrics {
 public:
  // `now_us` is the Unix time from which the totals count, for Point::start_us.
  explicit Metrics(std::int64_t now_us);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The series of this name and these labels, made if it is new. Takes a lock: keep the handle.
  // Beyond kMaxSeries, labels are replaced by overflow="true", so that a flood of names costs
  // detail and not memory. A name used before with another type is Error(invalid_argument).
  [[nodiscard]] Counter counter(const MetricInfo& info, std::vector<Label> labels = {});
  [[nodiscard]] Histogram histogram(const MetricInfo& info, std::vector<Label> labels = {});
  static constexpr std::size_t kMaxSeries = 10'000;

  // Every series, in the order they were made. What is being counted meanwhile is in this snapshot
  // or in the next; a histogram's count always equals the sum of its buckets.
  [[nodiscard]] std::vector<Point> snapshot(std::int64_t now_us) const;

 private:
  std::shared_ptr<MetricsState> state_;
};

}  // namespace gander
