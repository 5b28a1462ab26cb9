#include "instance.h"

namespace gander::kafka {
namespace {

constexpr std::chrono::seconds kPatience{3};

}  // namespace

Instance::Instance(sdk::Host h, const sdk::Options& options)
    : host(h),
      settings(options),
      topics(settings, h),
      name_(settings),
      leases_(settings.lease_us) {}

std::shared_ptr<Member> Instance::begin(std::string_view incarnation, sdk::Queues queues,
                                        const sdk::Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  Held& held = leases_.begin(incarnation, host.now_us());
  held.incarnation = incarnation;
  try {
    std::shared_ptr<Member> joined = member_.lock();
    if (!joined || joined->replaced()) {
      joined = std::make_shared<Member>(settings, host, topics, bell, name_, queues, deadline);
      member_ = joined;
    }
    held.member = joined;
    joined->need(queues, deadline);
    // A group that takes longer lets us in later: until then there is nothing to take.
    static_cast<void>(joined->wait_joined(deadline));
    return joined;
  } catch (...) {
    leases_.end(incarnation, [](Held&) {});
    throw;
  }
}

std::size_t Instance::hand_on(Member& joined, const std::string& incarnation,
                              Offsets::Counts more) {
  std::vector<std::string> queues;
  std::size_t n = 0;
  {
    // While successors of them are being written they are not given back beside it.
    const auto commits = joined.hold_commits(after(kPatience));
    const std::lock_guard lock(joined.mutex());
    n = joined.stock().give_back_all(incarnation, more, queues);
  }
  for (const std::string& queue : queues) bell.ring(queue);
  joined.wake();
  return n;
}

void Instance::end(Member& joined, std::string_view incarnation) {
  const std::lock_guard lock(mutex_);
  leases_.end(incarnation, [&](Held& held) { hand_on(joined, held.incarnation, {0, 1}); });
}

void Instance::require_member(const Held& held) {
  const std::shared_ptr<Member> joined = held.member.lock();
  if (joined && joined->replaced())
    throw sdk::Error(GANDER_LEASE_LOST,
                     "another process has joined the group by this one's name and has its "
                     "partitions; begin another incarnation");
}

void Instance::require(std::string_view incarnation) {
  const std::lock_guard lock(mutex_);
  require_member(leases_.of(incarnation));
}

void Instance::renew(std::string_view incarnation) {
  const std::lock_guard lock(mutex_);
  leases_.renew(incarnation, host.now_us());
  require_member(leases_.of(incarnation));
}

std::uint64_t Instance::expire() {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Member> joined = member_.lock();
  if (!joined) return 0;
  std::uint64_t n = 0;
  leases_.expire(host.now_us(), [&](Held& held) {
    n += hand_on(*joined, held.incarnation, {1, 0});
  });
  return n;
}

std::shared_ptr<Member> Instance::member() {
  const std::lock_guard lock(mutex_);
  return member_.lock();
}

}  // namespace gander::kafka
