#include "metrics.h"

#include <gander/error.h>

#include <algorithm>
#include <new>

namespace gander {
namespace {

// The registry this thread counted in last. Plain data, so that reaching it runs no constructor.
struct Cache {
  std::uint64_t id;
  MetricsShard* shard;
};
// Set once this thread's Holder is gone: what a later destructor counts is dropped, as the shard
// may have another owner by then.
constinit thread_local bool thread_ended = false;
[[gnu::tls_model("initial-exec")]] constinit thread_local Cache cache{0, nullptr};

// What this thread holds of every registry; gives it back when the thread ends.
struct Held {
  std::uint64_t id;
  std::weak_ptr<MetricsState> state;
  MetricsShard* shard;
};
class Holder {
 public:
  Holder() = default;
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    cache = {0, nullptr};
    thread_ended = true;
    for (const Held& held : held_)
      if (const auto state = held.state.lock()) state->give_back(held.shard);
  }
  MetricsShard* find(std::uint64_t id) const noexcept {
    for (const Held& held : held_)
      if (held.id == id) return held.shard;
    return nullptr;
  }
  void add(Held held) {
    std::erase_if(held_, [](const Held& old) { return old.state.expired(); });
    held_.push_back(std::move(held));
  }

 private:
  std::vector<Held> held_;
};
thread_local Holder holder;

std::atomic<std::uint64_t> next_id{1};

// Written by one thread only: nothing can come between load and store.
void add_to(std::atomic<std::uint64_t>& cell, std::uint64_t n) noexcept {
  cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

constexpr std::uint32_t kSumCell = kHistogramBuckets;
constexpr std::uint32_t kHistogramCells = kHistogramBuckets + 1;

std::string key_of(std::string_view name, const std::vector<Label>& labels) {
  std::string key(name);
  for (const Label& label : labels) (((key += '\0') += label.key) += '\0') += label.value;
  return key;
}

}  // namespace

MetricsShard::~MetricsShard() {
  for (auto& chunk : chunks_) std::unique_ptr<Chunk>(chunk.load(std::memory_order_relaxed)).reset();
}

MetricsShard::Chunk* MetricsShard::make_chunk(std::uint32_t index) noexcept {
  std::unique_ptr<Chunk> chunk(new (std::nothrow) Chunk);
  if (chunk == nullptr) return nullptr;
  chunks_[index / kCellsPerChunk].store(chunk.get(), std::memory_order_release);
  return chunk.release();
}

MetricsState::MetricsState(std::int64_t start_us)
    : id_(next_id.fetch_add(1, std::memory_order_relaxed)), start_us_(start_us) {}

MetricsShard* MetricsState::shard() noexcept {
  if (cache.id == id_) [[likely]]
    return cache.shard;
  return adopt_shard();
}

MetricsShard* MetricsState::adopt_shard() noexcept {
  if (thread_ended) return nullptr;
  MetricsShard* shard = holder.find(id_);
  if (shard == nullptr) {
    try {
      const std::lock_guard lock(mutex_);
      if (free_.empty()) {
        free_.reserve(shards_.size() + 1);  // so that give_back() cannot fail
        shards_.push_back(std::make_unique<MetricsShard>());
        free_.push_back(shards_.back().get());
      }
      holder.add({id_, weak_from_this(), free_.back()});
      shard = free_.back();
      free_.pop_back();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  cache = {id_, shard};
  return shard;
}

void MetricsState::give_back(MetricsShard* shard) noexcept {
  const std::lock_guard lock(mutex_);
  free_.push_back(shard);
}

std::uint32_t MetricsState::series(const MetricInfo& info, std::vector<Label> labels) {
  std::sort(labels.begin(), labels.end(),
            [](const Label& a, const Label& b) { return a.key < b.key; });
  const std::lock_guard lock(mutex_);
  const auto type = types_.emplace(info.name, info.type).first;
  if (type->second != info.type)
    throw Error(Code::invalid_argument, "metric '" + std::string(info.name) +
                                            "' exists already with another type; use another name");
  if (auto found = index_.find(key_of(info.name, labels)); found != index_.end())
    return series_[found->second].cell;
  const std::uint32_t cells = info.type == MetricType::histogram ? kHistogramCells : 1;
  if (series_.size() >= Metrics::kMaxSeries) {
    labels = {{"overflow", "true"}};
    if (auto found = index_.find(key_of(info.name, labels)); found != index_.end())
      return series_[found->second].cell;
  }
  if (next_cell_ + cells > MetricsShard::kCellsPerChunk * MetricsShard::kMaxChunks)
    throw Error(Code::full, "no room for metric '" + std::string(info.name) +
                                "'; use fewer names and label values");
  index_.emplace(key_of(info.name, labels), series_.size());
  series_.push_back({std::string(info.name), std::string(info.unit), std::string(info.help),
                     info.type, std::move(labels), next_cell_});
  next_cell_ += cells;
  return series_.back().cell;
}

std::uint64_t MetricsState::total(std::uint32_t cell) const noexcept {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->read(cell);
  return sum;
}

Point MetricsState::read(const Series& series) const {
  Point point;
  point.name = series.name;
  point.type = series.type;
  point.unit = series.unit;
  point.help = series.help;
  point.labels = series.labels;
  point.start_us = start_us_;
  if (series.type != MetricType::histogram) {
    point.value = static_cast<double>(total(series.cell));
    return point;
  }
  point.buckets.resize(kHistogramBuckets);
  for (std::uint32_t i = 0; i < kHistogramBuckets; ++i) {
    point.buckets[i] = total(series.cell + i);
    point.count += point.buckets[i];
  }
  for (const auto& shard : shards_)
    point.sum += std::bit_cast<double>(shard->read(series.cell + kSumCell));
  return point;
}

std::vector<Point> MetricsState::snapshot(std::int64_t now_us) const {
  std::vector<Point> points;
  const std::lock_guard lock(mutex_);
  points.reserve(series_.size());
  for (const Series& series : series_) {
    points.push_back(read(series));
    points.back().time_us = now_us;
  }
  return points;
}

void Counter::add(std::uint64_t n) const noexcept {
  if (state_ == nullptr) return;
  MetricsShard* shard = state_->shard();
  if (shard == nullptr) return;
  if (auto* cell = shard->cell(cell_)) add_to(*cell, n);
}

void Histogram::record(double ms) const noexcept {
  if (state_ == nullptr) return;
  MetricsShard* shard = state_->shard();
  if (shard == nullptr) return;
  if (!(ms > 0)) ms = 0;  // NaN too
  const auto* bound =
      std::lower_bound(std::begin(kHistogramBounds), std::end(kHistogramBounds), ms);
  const auto bucket = static_cast<std::uint32_t>(bound - std::begin(kHistogramBounds));
  auto* count = shard->cell(cell_ + bucket);
  auto* sum = shard->cell(cell_ + kSumCell);
  if (count == nullptr || sum == nullptr) return;
  const double total = std::bit_cast<double>(sum->load(std::memory_order_relaxed)) + ms;
  sum->store(std::bit_cast<std::uint64_t>(total), std::memory_order_relaxed);
  add_to(*count, 1);
}

std::string metric::enqueued_name(std::string_view queue) {
  return "enqueued_jobs." + std::string(queue) + ".count";
}

Metrics::Metrics(std::int64_t now_us) : state_(std::make_shared<MetricsState>(now_us)) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const MetricInfo& info, std::vector<Label> labels) {
  return {state_, state_->series(info, std::move(labels))};
}
Histogram Metrics::histogram(const MetricInfo& info, std::vector<Label> labels) {
  return {state_, state_->series(info, std::move(labels))};
}
std::vector<Point> Metrics::snapshot(std::int64_t now_us) const { return state_->snapshot(now_us); }

}  // namespace gander
