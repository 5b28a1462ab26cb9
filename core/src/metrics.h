// The inside of Metrics: one shard of cells per thread, added up by the reader.
//
//   cell    one 64-bit number; a counter is one, a histogram its buckets and then its sum (a
//   double) chunk   kCellsPerChunk cells, allocated by the first thread that counts there, never
//   freed shard   a thread's chunks; written by that thread alone, so add is load + store, no lock
//   prefix
//
// A thread that ends gives its shard back, totals and all, and the next new thread goes on with it:
// memory follows the largest number of threads at once, not the number there ever were.
#pragma once

#include <gander/metrics.h>

#include <array>
#include <atomic>
#include <bit>
#include <map>
#include <mutex>

namespace gander {

class MetricsShard {
 public:
  static constexpr std::size_t kCellsPerChunk = 512;
  static constexpr std::size_t kMaxChunks = 1024;

  // The owning thread only. A cell that could not be had is null.
  std::atomic<std::uint64_t>* cell(std::uint32_t index) noexcept {
    Chunk* chunk = chunks_[index / kCellsPerChunk].load(std::memory_order_relaxed);
    if (chunk == nullptr) [[unlikely]]
      chunk = make_chunk(index);
    return chunk == nullptr ? nullptr : &chunk->cells[index % kCellsPerChunk];
  }
  // Any thread.
  [[nodiscard]] std::uint64_t read(std::uint32_t index) const noexcept {
    const Chunk* chunk = chunks_[index / kCellsPerChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? 0
                            : chunk->cells[index % kCellsPerChunk].load(std::memory_order_relaxed);
  }

  MetricsShard() = default;
  MetricsShard(const MetricsShard&) = delete;
  MetricsShard& operator=(const MetricsShard&) = delete;
  ~MetricsShard();

 private:
  struct alignas(64) Chunk {
    std::array<std::atomic<std::uint64_t>, kCellsPerChunk> cells{};
  };
  Chunk* make_chunk(std::uint32_t index) noexcept;
  std::array<std::atomic<Chunk*>, kMaxChunks> chunks_{};
};

class MetricsState : public std::enable_shared_from_this<MetricsState> {
 public:
  explicit MetricsState(std::int64_t start_us);

  // First cell of the series.
  std::uint32_t series(const MetricInfo& info, std::vector<Label> labels);
  [[nodiscard]] std::vector<Point> snapshot(std::int64_t now_us) const;

  // This thread's shard, null when memory is short.
  MetricsShard* shard() noexcept;
  void give_back(MetricsShard* shard) noexcept;

 private:
  struct Series {
    std::string name, unit, help;
    MetricType type;
    std::vector<Label> labels;
    std::uint32_t cell;
  };
  MetricsShard* adopt_shard() noexcept;
  [[nodiscard]] std::uint64_t total(std::uint32_t cell) const noexcept;
  [[nodiscard]] Point read(const Series& series) const;

  const std::uint64_t id_;  // never used again, so that a thread's cache cannot mistake a registry
  const std::int64_t start_us_;
  mutable std::mutex mutex_;  // guards all below; never taken by an increment
  std::vector<Series> series_;
  std::map<std::string, std::size_t> index_;  // by name and labels
  std::map<std::string, MetricType, std::less<>> types_;
  std::uint32_t next_cell_ = 0;
  std::vector<std::unique_ptr<MetricsShard>> shards_;
  std::vector<MetricsShard*> free_;
};

}  // namespace gander
