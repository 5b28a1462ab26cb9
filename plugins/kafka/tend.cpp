#include "tend.h"

#include <algorithm>

#include "manage.h"

namespace gander::kafka {
namespace {

constexpr std::size_t kPromoteAtOnce = 1000;
// Others wait behind it.
constexpr std::chrono::seconds kLongestWait{3};

constexpr std::chrono::seconds kTrimEvery{30};

}  // namespace

gander_tend_res Tender::tend(const sdk::Deadline& deadline) {
  instance_.renew(incarnation_);
  gander_tend_res done{};
  done.reclaimed = instance_.expire();
  const std::shared_ptr<Member> member = instance_.member();
  if (!member) return done;
  done.reclaimed += member->reclaimed();
  if (member->wait_read(within(deadline, kLongestWait))) {
    for (std::size_t n = kPromoteAtOnce; n == kPromoteAtOnce && !deadline.passed();) {
      n = member->promote(kPromoteAtOnce, within(deadline, kLongestWait));
      done.promoted += n;
    }
  }
  member->trim_log(deadline);
  done.trimmed = trim(*member, deadline);
  done.again_in_us = again_in_us(*member);
  return done;
}

// By one worker for all, as it reads every dead letter.
std::uint64_t Tender::trim(Member& member, const sdk::Deadline& deadline) {
  const Settings& settings = instance_.settings;
  if (settings.dead_max_age_s == 0 && settings.dead_max_count == 0) return 0;
  const auto now = std::chrono::steady_clock::now();
  if (now - trimmed_at_ < kTrimEvery || deadline.passed()) return 0;
  trimmed_at_ = now;
  {
    const std::lock_guard lock(member.mutex());
    const auto owned = member.due().partitions();
    if (std::ranges::find(owned, 0) == owned.end()) return 0;
  }
  return trim_dead(instance_, deadline);
}

std::int64_t Tender::again_in_us(Member& member) {
  const std::lock_guard lock(member.mutex());
  const std::int64_t next = member.due().next();
  return next == 0 ? 0 : std::max<std::int64_t>(1, next - instance_.host.now_us());
}

}  // namespace gander::kafka
