#include "tend.h"

#include <algorithm>
#include <utility>

namespace gander::kafka {
namespace {

constexpr std::size_t kPromoteAtOnce = 1000;
// Others wait behind it.
constexpr std::chrono::seconds kLongestWait{3};

// What is begun with less than this left is cut in two by the deadline, and nothing of it is done.
constexpr std::chrono::milliseconds kLeast{500};

constexpr std::chrono::seconds kTrimEvery{30};

bool has_time(const sdk::Deadline& deadline) {
  return !deadline.at() || *deadline.at() - std::chrono::steady_clock::now() >= kLeast;
}

}  // namespace

gander_tend_res Tender::tend(const sdk::Deadline& deadline) {
  instance_.renew(incarnation_);
  gander_tend_res done{};
  attempt("handing on what the dead held", [&] { done.reclaimed = instance_.expire(); });
  const std::shared_ptr<Member> member = instance_.member();
  if (!member) return done;
  done.reclaimed += member->reclaimed();
  attempt("promoting", [&] { done.promoted = promote(*member, deadline); });
  if (has_time(deadline) && member->shall_trim())
    attempt("trimming the log", [&] { member->trim_log(deadline); });
  attempt("trimming the dead letters", [&] { done.trimmed = trim(*member, deadline); });
  done.again_in_us = again_in_us(*member);
  return done;
}

// The lease is renewed by now, which a worker knows of a tend() alone that succeeds: one that threw
// for what can be done later would have it give up all that it runs, again and again.
void Tender::attempt(const std::string& what, const std::function<void()>& work) {
  try {
    work();
    failing_.erase(what);
  } catch (const sdk::Error& e) {
    if (e.code() == GANDER_LEASE_LOST) throw;
    const bool is_new = std::exchange(failing_[what], e.code()) != e.code();
    instance_.host.log(is_new ? GANDER_LOG_WARN : GANDER_LOG_DEBUG,
                       what + ": " + e.what() + "; it is tried again");
  }
}

std::uint64_t Tender::promote(Member& member, const sdk::Deadline& deadline) {
  std::uint64_t done = 0;
  if (!member.wait_read(within(deadline, kLongestWait))) return done;
  // What falls due meanwhile is for the next time, or this would be the last thing done today.
  const std::int64_t now_us = instance_.host.now_us();
  const auto more = [&] {
    const std::lock_guard lock(member.mutex());
    const std::int64_t next = member.due().next();
    return next != 0 && next <= now_us;
  };
  while (more() && has_time(deadline)) {
    const std::size_t n = member.promote(kPromoteAtOnce, within(deadline, kLongestWait));
    if (n == 0) break;
    done += n;
  }
  return done;
}

// By one worker for all, as it reads every dead letter.
std::uint64_t Tender::trim(Member& member, const sdk::Deadline& deadline) {
  const Settings& settings = instance_.settings;
  if (settings.dead_max_age_s == 0 && settings.dead_max_count == 0) return 0;
  const auto now = std::chrono::steady_clock::now();
  if (now - trimmed_at_ < kTrimEvery || !has_time(deadline)) return 0;
  trimmed_at_ = now;
  {
    const std::lock_guard lock(member.mutex());
    const auto owned = member.due().partitions();
    if (std::ranges::find(owned, 0) == owned.end()) {
      dead_ = {};
      return 0;
    }
  }
  const std::uint64_t trimmed = trim_dead(instance_, dead_, deadline);
  if (dead_.all)
    dead_ = {};
  else
    trimmed_at_ = {};  // it goes on with the next tend()
  return trimmed;
}

std::int64_t Tender::again_in_us(Member& member) {
  const std::lock_guard lock(member.mutex());
  const std::int64_t next = member.due().next();
  return next == 0 ? 0 : std::max<std::int64_t>(1, next - instance_.host.now_us());
}

}  // namespace gander::kafka
