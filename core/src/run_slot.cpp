#include "run_slot.h"

namespace gander {

void RunSlot::begin(Context& context, std::int64_t deadline_us) {
  remember(context, deadline_us);
  if (deadline_us != 0 && on_deadline_) on_deadline_();
}

void RunSlot::remember(Context& context, std::int64_t deadline_us) {
  const std::lock_guard lock(mutex_);
  if (spent_ && !shutdown_) {  // else one source serves many runs
    stop_ = std::stop_source{};
    spent_ = false;
  }
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

// The token is set outside the lock: that calls what the handler registered with it, which may wait
// for whoever is in progress() now.
void RunSlot::check_deadline(std::int64_t now_us) {
  std::stop_source source{std::nostopstate};
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t deadline = deadline_us();
    if (context_ == nullptr || deadline == 0 || now_us < deadline) return;
    source = stop_;
    spent_ = true;
  }
  source.request_stop();
}

void RunSlot::stop_for_shutdown() {
  std::stop_source source{std::nostopstate};
  {
    const std::lock_guard lock(mutex_);
    shutdown_ = true;
    source = stop_;
  }
  source.request_stop();
}

}  // namespace gander
