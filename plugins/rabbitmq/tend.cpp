#include "tend.h"

#include <algorithm>

#include "dead.h"
#include "enqueue.h"
#include "error.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kTrimEvery{30};
// What comes next must not wait for it.
constexpr std::chrono::seconds kTrimWithin{2};
// Most often the first is young enough, and the rest may be thousands.
constexpr std::size_t kTrimAhead = 16;

}  // namespace

gander_tend_res Tender::tend(const sdk::Deadline& deadline) {
  if (!life_ || life_->over)
    throw lease_lost(instance_.settings.where(), incarnation_, "its connection was lost");
  gander_tend_res res{};
  res.reclaimed = life_->reclaimed.exchange(0);
  res.trimmed = trim(deadline);
  return res;
}

// The oldest of a queue lie in front. What looks at them just now, be it another worker that trims,
// is not waited for.
std::uint64_t Tender::trim(const sdk::Deadline& deadline) {
  const Settings& settings = instance_.settings;
  if (settings.dead_max_age_s == 0 && settings.dead_max_count == 0) return 0;
  const TimePoint now = steady_clock::now();
  if (now - trimmed_at_ < kTrimEvery) return 0;
  trimmed_at_ = now;
  const std::int64_t before_us =
      settings.dead_max_age_s == 0 ? INT64_MIN
                                   : instance_.host.now_us() - settings.dead_max_age_s * 1'000'000;
  std::uint64_t dropped = 0;
  try {
    const TimePoint until = std::min(limit_of(deadline, settings), now + kTrimWithin);
    Browser browser(instance_, until);
    Visit visit(browser, until);
    DeadLetters dead(instance_, publisher_, visit);
    for (const std::string& name : dead.names()) {
      const std::string queue = instance_.names.dead(address_of(name));
      const std::int64_t there = visit.client().count(queue, until).value_or(0);
      std::int64_t too_many = settings.dead_max_count == 0 ? 0 : there - settings.dead_max_count;
      const auto look_at = [&](gander_message& m, std::uint64_t tag) {
        if (too_many-- <= 0 && m.failed_at_us >= before_us) return DeadLetters::Look::stop;
        visit.drop(tag);
        ++dropped;
        return DeadLetters::Look::take;
      };
      dead.read_dead(name, look_at, kTrimAhead);
    }
  } catch (const sdk::Error& e) {
    // The lease is as good as before.
    instance_.host.log(GANDER_LOG_DEBUG, std::string("dropping old dead letters: ") + e.what());
  }
  return dropped;
}

}  // namespace gander::rabbitmq
