// What one executor thread is running now: read by Worker::running(), stopped by deadlines and
// shutdown.
#pragma once

#include <gander/context.h>
#include <gander/worker.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>

namespace gander {

// begin(), end() and progress() on the executor's thread; the rest on any.
class RunSlot final : public RunObserver {
 public:
  // `on_deadline` is called when a run with a deadline begins.
  explicit RunSlot(std::function<void()> on_deadline = {}) : on_deadline_(std::move(on_deadline)) {}

  // The views in `context` must stay until end(). Sets context.stop.
  void begin(Context& context, std::int64_t deadline_us);
  // True when the stop token was set for the worker's shutdown, not for the run's deadline.
  bool end();
  void progress(double part, std::string_view text) override;

  [[nodiscard]] std::optional<RunningJob> look() const;
  // 0: it has none, or nothing runs.
  [[nodiscard]] std::int64_t deadline_us() const {
    return deadline_us_.load(std::memory_order_relaxed);
  }
  // Sets the stop token when the deadline has passed.
  void check_deadline(std::int64_t now_us);
  void stop_for_shutdown();

 private:
  void remember(Context& context, std::int64_t deadline_us);
  const std::function<void()> on_deadline_;
  mutable std::mutex mutex_;
  const Context* context_ = nullptr;  // guarded by mutex_, as the rest
  double part_ = 0;
  std::string text_;
  std::stop_source stop_;
  bool spent_ = false;  // stop_ was used for a deadline
  bool shutdown_ = false;
  std::atomic<std::int64_t> deadline_us_{0};
};

}  // namespace gander
