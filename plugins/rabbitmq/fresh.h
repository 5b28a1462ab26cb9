// What is known of parts of the topology that were made lately and do not stand yet (build.h),
// beyond the connection that made them. [any]
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace gander::rabbitmq {

class Fresh {
 public:
  using Clock = std::chrono::steady_clock;

  // When the part was made last, as far as is known: now, if nothing is.
  Clock::time_point made_at(const std::string& part, bool just_now) {
    const std::lock_guard lock(mutex_);
    Clock::time_point& at = made_.try_emplace(part, Clock::now()).first->second;
    return just_now ? at = Clock::now() : at;
  }
  void is_built(const std::string& part) {
    const std::lock_guard lock(mutex_);
    made_.erase(part);
  }

  // A queue was asked something then, and has not answered.
  void note_silent(const std::string& queue, Clock::time_point asked_at) {
    const std::lock_guard lock(mutex_);
    silent_.try_emplace(queue, asked_at);
  }
  void note_answer(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    silent_.erase(queue);
  }
  Clock::duration silent_for(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    const auto it = silent_.find(queue);
    return it == silent_.end() ? Clock::duration::zero() : Clock::now() - it->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Clock::time_point> made_, silent_;
};

}  // namespace gander::rabbitmq
