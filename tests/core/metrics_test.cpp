#include "metrics.h"

#include <gander/error.h>
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "log.h"
#include "metrics_exporter.h"

namespace gander {
namespace {

using namespace std::chrono_literals;

const Point& find(const std::vector<Point>& points, std::string_view name,
                  const std::vector<Label>& labels = {}) {
  for (const Point& point : points)
    if (point.name == name && point.labels == labels) return point;
  throw std::runtime_error("no point " + std::string(name));
}

TEST(Metrics, NamesAreThoseOfGoose) {
  EXPECT_EQ(metric::kProcessed.name, "jobs.processed");
  EXPECT_EQ(metric::kSucceeded.name, "jobs.succeeded");
  EXPECT_EQ(metric::kFailed.name, "jobs.failed");
  EXPECT_EQ(metric::kRecovered.name, "jobs.recovered");
  EXPECT_EQ(metric::kExecutionTime.name, "job.execution_time");
  EXPECT_EQ(metric::kExecutionLatency.name, "execution.latency");
  EXPECT_EQ(metric::kScheduledLatency.name, "scheduled.latency");
  EXPECT_EQ(metric::kRetryLatency.name, "retry.latency");
  EXPECT_EQ(metric::enqueued_name("mail"), "enqueued_jobs.mail.count");
  EXPECT_EQ(metric::kTotalEnqueued.name, "total_enqueued_jobs.count");
  EXPECT_EQ(metric::kScheduled.name, "scheduled_jobs.count");
  EXPECT_EQ(metric::kDead.name, "dead_jobs.count");
}

TEST(Metrics, OneSeriesForEachNameAndLabelsInAnyOrder) {
  Metrics metrics(7);
  metrics.counter(metric::kFailed, {{"queue", "a"}, {"function", "f"}}).add(2);
  metrics.counter(metric::kFailed, {{"function", "f"}, {"queue", "a"}}).add(3);
  metrics.counter(metric::kFailed, {{"function", "f"}, {"queue", "b"}}).add(4);
  const auto points = metrics.snapshot(9);
  ASSERT_EQ(points.size(), 2U);
  const Point a = find(points, "jobs.failed", {{"function", "f"}, {"queue", "a"}});
  EXPECT_EQ(a.value, 5);
  EXPECT_EQ(a.type, MetricType::counter);
  EXPECT_EQ(a.help, metric::kFailed.help);
  EXPECT_EQ(a.start_us, 7);
  EXPECT_EQ(a.time_us, 9);
  EXPECT_EQ(find(points, "jobs.failed", {{"function", "f"}, {"queue", "b"}}).value, 4);
}

TEST(Metrics, BoundsAreInclusiveAndTheLastBucketIsOpen) {
  Metrics metrics(0);
  const Histogram time = metrics.histogram(metric::kExecutionTime);
  for (const double ms : {-1.0, 0.0, 0.1, 0.11, 1.0, 3'600'000.0, 3'600'001.0}) time.record(ms);
  time.record(std::chrono::microseconds(1'500));
  const auto points = metrics.snapshot(0);
  const Point point = find(points, "job.execution_time");
  std::vector<std::uint64_t> expected(kHistogramBuckets);
  expected[0] = 3;                      // up to 0.1 ms, and the clock that went back
  expected[1] = 1;                      // to 0.2
  expected[3] = 1;                      // to 1
  expected[4] = 1;                      // 1.5 ms to 2
  expected[kHistogramBuckets - 2] = 1;  // to 1 h
  expected[kHistogramBuckets - 1] = 1;
  EXPECT_EQ(point.buckets, expected);
  EXPECT_EQ(point.count, 8U);
  EXPECT_DOUBLE_EQ(point.sum, 0.1 + 0.11 + 1 + 3'600'000.0 + 3'600'001.0 + 1.5);
}

TEST(Metrics, ThreadsThatCountWhileOthersReadLoseNothing) {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kEach = 50'000;
  Metrics metrics(0);
  const Counter counter = metrics.counter(metric::kProcessed);
  const Histogram histogram = metrics.histogram(metric::kExecutionTime);
  std::atomic<bool> done{false};
  std::jthread reader([&] {
    double before = 0;
    while (!done) {
      const auto points = metrics.snapshot(0);
      const double now = find(points, "jobs.processed").value;
      EXPECT_GE(now, before);  // a total never falls
      before = now;
      const Point h = find(points, "job.execution_time");
      EXPECT_EQ(h.count, std::accumulate(h.buckets.begin(), h.buckets.end(), std::uint64_t{0}));
    }
  });
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (std::uint64_t i = 0; i < kEach; ++i) {
          counter.add();
          histogram.record(2.0);
        }
      });
  }
  done = true;
  reader.join();
  const auto points = metrics.snapshot(0);
  EXPECT_EQ(find(points, "jobs.processed").value, kThreads * kEach);
  EXPECT_EQ(find(points, "job.execution_time").count, kThreads * kEach);
  EXPECT_EQ(find(points, "job.execution_time").sum, 2.0 * kThreads * kEach);
}

TEST(Metrics, WhatEndedThreadsCountedStays) {
  Metrics metrics(0);
  const Counter counter = metrics.counter(metric::kProcessed);
  for (int i = 0; i < 100; ++i) std::jthread([&] { counter.add(); }).join();
  EXPECT_EQ(metrics.snapshot(0)[0].value, 100);
}

TEST(Metrics, TwoRegistriesInOneThreadAreTwo) {
  Metrics a(0), b(0);
  const Counter in_a = a.counter(metric::kProcessed);
  const Counter in_b = b.counter(metric::kProcessed);
  for (int i = 0; i < 3; ++i) {
    in_a.add(1);
    in_b.add(10);
  }
  EXPECT_EQ(a.snapshot(0)[0].value, 3);
  EXPECT_EQ(b.snapshot(0)[0].value, 30);
}

TEST(Metrics, AHandleMayOutliveItsRegistry) {
  Counter counter;
  counter.add();  // of no registry
  {
    Metrics metrics(0);
    counter = metrics.counter(metric::kProcessed);
  }
  counter.add();
  std::jthread([counter] { counter.add(); }).join();
}

TEST(Metrics, OneNameHasOneType) {
  Metrics metrics(0);
  (void)metrics.counter(metric::kProcessed);
  MetricInfo wrong = metric::kProcessed;
  wrong.type = MetricType::histogram;
  try {
    (void)metrics.histogram(wrong);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::invalid_argument);
    EXPECT_NE(std::string(e.what()).find("jobs.processed"), std::string::npos);
  }
}

TEST(Metrics, AFloodOfLabelsCostsDetailAndNotMemory) {
  Metrics metrics(0);
  for (std::size_t i = 0; i < Metrics::kMaxSeries + 50; ++i)
    metrics.counter(metric::kProcessed, {{"queue", std::to_string(i)}}).add();
  const auto points = metrics.snapshot(0);
  EXPECT_EQ(points.size(), Metrics::kMaxSeries + 1);
  EXPECT_EQ(find(points, "jobs.processed", {{"overflow", "true"}}).value, 50);
}

// ---- exporter

class Collected final : public MetricsSink {
 public:
  explicit Collected(std::vector<std::vector<Point>>& to) : to_(to) {}
  void export_points(std::span<const Point> points) override {
    to_.emplace_back(points.begin(), points.end());
  }

 private:
  std::vector<std::vector<Point>>& to_;
};

class Failing final : public MetricsSink {
 public:
  explicit Failing(int times) : left_(times) {}
  void export_points(std::span<const Point>) override {
    if (left_-- > 0) throw 42;
  }

 private:
  int left_;
};

// Hangs until the test lets it go.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  bool passed = false;
};
class Hanging final : public MetricsSink {
 public:
  explicit Hanging(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
  ~Hanging() override {
    const std::lock_guard lock(gate_->mutex);
    gate_->passed = true;
    gate_->changed.notify_all();
  }
  void export_points(std::span<const Point>) override {
    std::unique_lock lock(gate_->mutex);
    gate_->changed.wait(lock, [&] { return gate_->open; });
  }

 private:
  std::shared_ptr<Gate> gate_;
};

class Exporter : public testing::Test {
 protected:
  void SetUp() override {
    set_logger([this](LogLevel, std::string_view text, std::span<const LogField> fields) {
      std::string line(text);
      for (const LogField& f : fields)
        line += " " + std::string(f.key) + "=" + std::string(f.value);
      const std::lock_guard lock(mutex_);
      lines_.push_back(line);
    });
  }
  void TearDown() override { set_logger({}); }
  [[nodiscard]] std::size_t logged(const std::string& part) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        lines_.begin(), lines_.end(),
        [&](const std::string& line) { return line.find(part) != std::string::npos; }));
  }
  template <class Sink, class... Args>
  void add(const std::string& name, Args&&... args) {
    sinks_.push_back({name, std::make_unique<Sink>(std::forward<Args>(args)...)});
  }
  std::unique_ptr<MetricsExporter> start(std::chrono::milliseconds interval = 1h,
                                         std::vector<MetricsExporter::GaugeFunction> gauges = {}) {
    return std::make_unique<MetricsExporter>(metrics_, std::move(sinks_), std::move(gauges),
                                             interval, [] { return std::int64_t{5}; });
  }

  std::mutex mutex_;
  std::vector<std::string> lines_;
  Metrics metrics_{1};
  std::vector<MetricsExporter::NamedSink> sinks_;
};

TEST_F(Exporter, HandsCountersAndGaugesToEverySink) {
  std::vector<std::vector<Point>> a, b;
  add<Collected>("a", a);
  add<Collected>("b", b);
  metrics_.counter(metric::kProcessed).add(3);
  const auto exporter = start(1h, {[](std::vector<Point>& points) {
                                points.emplace_back().name = metric::enqueued_name("mail");
                                points.back().value = 9;
                              }});
  ASSERT_TRUE(exporter->flush(5s));
  for (const auto* sink : {&a, &b}) {
    ASSERT_EQ(sink->size(), 1U);
    EXPECT_EQ(find(sink->front(), "jobs.processed").value, 3);
    EXPECT_EQ(find(sink->front(), "enqueued_jobs.mail.count").value, 9);
    EXPECT_EQ(find(sink->front(), "enqueued_jobs.mail.count").time_us, 5);
  }
}

TEST_F(Exporter, ExportsByItselfAtItsInterval) {
  std::mutex mutex;
  std::condition_variable changed;
  int gauges_asked = 0;
  std::vector<std::vector<Point>> a;
  add<Collected>("a", a);
  const auto exporter = start(1ms, {[&](std::vector<Point>&) {
                                const std::lock_guard lock(mutex);
                                ++gauges_asked;
                                changed.notify_all();
                              }});
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, 5s, [&] { return gauges_asked >= 3; }));
}

TEST_F(Exporter, AFailingSinkCostsTheOthersNothingAndIsCounted) {
  std::vector<std::vector<Point>> good;
  add<Failing>("bad", 5);
  add<Collected>("good", good);
  const auto exporter = start();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(exporter->flush(5s));
  EXPECT_EQ(good.size(), 6U);
  EXPECT_EQ(find(metrics_.snapshot(0), "metrics.export_failed", {{"sink", "bad"}}).value, 5);
  EXPECT_EQ(logged("metrics sink failed sink=bad"), 3U);  // the 1st, 2nd and 4th
  EXPECT_EQ(logged("works again sink=bad failures=5"), 1U);
}

TEST_F(Exporter, AGaugeThatFailsLeavesTheRestAlone) {
  std::vector<std::vector<Point>> a;
  add<Collected>("a", a);
  metrics_.counter(metric::kProcessed).add();
  const auto exporter =
      start(1h, {[](std::vector<Point>& points) {
                   points.emplace_back().name = "half done";
                   throw Error(Code::unavailable, "server away");
                 },
                 [](std::vector<Point>& points) { points.emplace_back().name = "other"; }});
  ASSERT_TRUE(exporter->flush(5s));
  EXPECT_EQ(find(a.at(0), "jobs.processed").value, 1);
  EXPECT_EQ(find(a.at(0), "other").value, 0);
  EXPECT_THROW(find(a.at(0), "half done"), std::runtime_error);
  EXPECT_EQ(logged("server away"), 1U);
}

TEST_F(Exporter, StopExportsOnceMore) {
  std::vector<std::vector<Point>> a;
  add<Collected>("a", a);
  const auto exporter = start();
  metrics_.counter(metric::kProcessed).add(8);
  exporter->stop();
  exporter->stop();
  ASSERT_EQ(a.size(), 1U);
  EXPECT_EQ(find(a[0], "jobs.processed").value, 8);
}

TEST_F(Exporter, ASinkThatHangsHoldsUpNeitherTheOthersNorTheStop) {
  const auto gate = std::make_shared<Gate>();
  std::vector<std::vector<Point>> good;
  add<Hanging>("stuck", gate);
  add<Collected>("good", good);
  const auto exporter = start();
  EXPECT_FALSE(exporter->flush(50ms));
  exporter->stop(50ms);
  EXPECT_EQ(good.size(), 2U);
  EXPECT_EQ(logged("hangs and is left behind sink=stuck"), 1U);
  // Let go, it ends by itself, on memory of its own.
  std::unique_lock lock(gate->mutex);
  gate->open = true;
  gate->changed.notify_all();
  EXPECT_TRUE(gate->changed.wait_for(lock, 5s, [&] { return gate->passed; }));
}

}  // namespace
}  // namespace gander
