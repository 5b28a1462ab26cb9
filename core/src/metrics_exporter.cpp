#include "metrics_exporter.h"

#include <algorithm>
#include <bit>
#include <exception>
#include <utility>

#include "log.h"

namespace gander {
namespace {

std::string what(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "something that is not a std::exception was thrown";
  }
}

}  // namespace

// One sink, its thread, and the newest points it has not seen. Shared with its thread, so that a
// sink which hangs can be left behind without leaving it on freed memory.
class MetricsExporter::Lane : public std::enable_shared_from_this<Lane> {
 public:
  using Points = std::shared_ptr<const std::vector<Point>>;
  using Clock = std::chrono::steady_clock;

  Lane(NamedSink sink, Counter failed)
      : name_(std::move(sink.name)),
        needs_(std::move(sink.needs)),
        sink_(std::move(sink.sink)),
        failed_(std::move(failed)) {}

  void start() {
    thread_ =
        std::jthread([self = shared_from_this()](const std::stop_token& stop) { self->run(stop); });
  }

  // The number of this offer, for wait().
  std::uint64_t offer(Points points) {
    const std::lock_guard lock(mutex_);
    pending_ = std::move(points);
    changed_.notify_all();
    return ++offered_;
  }

  bool wait(std::uint64_t offer, Clock::time_point until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, until, [&] { return done_ >= offer; });
  }

  void stop(Clock::time_point until) {
    thread_.request_stop();
    std::unique_lock lock(mutex_);
    const bool ended = changed_.wait_until(lock, until, [&] { return ended_; });
    lock.unlock();
    if (ended) return thread_.join();
    log(LogLevel::warn, "metrics sink hangs and is left behind", {{"sink", name_}});
    thread_.detach();
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [&] { return pending_ != nullptr; })) {
      const Points points = std::exchange(pending_, nullptr);
      const std::uint64_t number = offered_;
      lock.unlock();
      export_once(*points);
      lock.lock();
      done_ = number;
      changed_.notify_all();
    }
    ended_ = true;
    changed_.notify_all();
  }

  void export_once(const std::vector<Point>& points) noexcept {
    try {
      sink_->export_points(points);
      if (failures_ > 0)
        log(LogLevel::info, "metrics sink works again",
            {{"sink", name_}, {"failures", std::to_string(failures_)}});
      failures_ = 0;
    } catch (...) {
      failed_.add();
      if (std::has_single_bit(++failures_))
        log(LogLevel::warn, "metrics sink failed",
            {{"sink", name_},
             {"failures", std::to_string(failures_)},
             {"error", what(std::current_exception())}});
    }
  }

  const std::string name_;
  const std::shared_ptr<const void> needs_;
  const std::unique_ptr<MetricsSink> sink_;
  const Counter failed_;
  std::uint64_t failures_ = 0;  // in a row; its own thread only
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Points pending_;
  std::uint64_t offered_ = 0, done_ = 0;
  bool ended_ = false;
  std::jthread thread_;
};

MetricsExporter::MetricsExporter(Metrics& metrics, std::vector<NamedSink> sinks,
                                 std::vector<GaugeFunction> gauges,
                                 std::chrono::milliseconds interval, NowFunction now_us)
    : metrics_(metrics),
      gauges_(std::move(gauges)),
      interval_(interval),
      now_us_(std::move(now_us)),
      gauge_failures_(gauges_.size()) {
  for (NamedSink& sink : sinks) {
    Counter failed = metrics_.counter(metric::kExportFailed, {{"sink", sink.name}});
    lanes_.push_back(std::make_shared<Lane>(std::move(sink), std::move(failed)));
  }
  if (lanes_.empty()) return;
  for (const auto& lane : lanes_) lane->start();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

MetricsExporter::~MetricsExporter() { stop(); }

void MetricsExporter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, interval_, [] { return false; });
    if (stop.stop_requested()) return;
    lock.unlock();
    try {
      const auto points = collect();
      for (const auto& lane : lanes_) lane->offer(points);
    } catch (const std::exception& e) {
      log(LogLevel::error, "metrics could not be collected", {{"error", e.what()}});
    }
    lock.lock();
  }
}

std::shared_ptr<const std::vector<Point>> MetricsExporter::collect() {
  const std::lock_guard lock(collect_mutex_);
  const std::int64_t now = now_us_();
  auto points = std::make_shared<std::vector<Point>>(metrics_.snapshot(now));
  for (std::size_t i = 0; i < gauges_.size(); ++i) {
    const std::size_t before = points->size();
    try {
      gauges_[i](*points);
      gauge_failures_[i] = 0;
    } catch (...) {
      points->resize(before);
      if (std::has_single_bit(++gauge_failures_[i]))
        log(LogLevel::warn, "gauges could not be read",
            {{"failures", std::to_string(gauge_failures_[i])},
             {"error", what(std::current_exception())}});
    }
    for (std::size_t p = before; p < points->size(); ++p) (*points)[p].time_us = now;
  }
  return points;
}

bool MetricsExporter::flush(std::chrono::milliseconds patience) {
  const auto until = Lane::Clock::now() + patience;
  if (lanes_.empty()) return true;
  const auto points = collect();
  std::vector<std::uint64_t> offers;
  for (const auto& lane : lanes_) offers.push_back(lane->offer(points));
  bool all = true;
  for (std::size_t i = 0; i < lanes_.size(); ++i) all = lanes_[i]->wait(offers[i], until) && all;
  return all;
}

void MetricsExporter::stop(std::chrono::milliseconds patience) {
  if (lanes_.empty()) return;
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  const auto until = Lane::Clock::now() + patience;
  try {
    flush(patience);
  } catch (const std::exception& e) {
    log(LogLevel::error, "the last metrics could not be exported", {{"error", e.what()}});
  }
  for (const auto& lane : lanes_) lane->stop(until);
  lanes_.clear();
}

}  // namespace gander
