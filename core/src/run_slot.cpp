#include "run_slot.h"

namespace gander {

void RunSlot::begin(Context& context, std::int64_t deadline_us) {
  const std::lock_guard lock(mutex_);
  if (stop_.stop_requested() && !shutdown_)
    stop_ = std::stop_source{};  // one source serves many runs
  context.stop = stop_.get_token();
  context.observer = this;
  context_ = &context;
  part_ = 0;
  text_.clear();
  deadline_us_.store(deadline_us, std::memory_order_relaxed);
}

bool RunSlot::end() {
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
  deadline_us_.store(0, std::memory_order_relaxed);
  return shutdown_;
}

void RunSlot::progress(double part, std::string_view text) {
  const std::lock_guard lock(mutex_);
  part_ = part;
  text_ = text;
}

std::optional<RunningJob> RunSlot::look() const {
  const std::lock_guard lock(mutex_);
  if (context_ == nullptr) return std::nullopt;
  return RunningJob{context_->id,
                    std::string(context_->job),
                    std::string(context_->queue),
                    context_->started_at,
                    part_,
                    text_};
}

void RunSlot::check_deadline(std::int64_t now_us) {
  const std::int64_t deadline = deadline_us();
  if (deadline == 0 || now_us < deadline) return;
  const std::lock_guard lock(mutex_);
  if (context_ != nullptr) stop_.request_stop();
}

void RunSlot::stop_for_shutdown() {
  const std::lock_guard lock(mutex_);
  shutdown_ = true;
  stop_.request_stop();
}

}  // namespace gander
