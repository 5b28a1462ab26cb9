// What is to come and has come due: from <prefix>.sched into the topics of its queues, by whoever
// owns that part of it.
//
// One transaction is for many queues, and fails for all of them. So after one that failed each of
// its queues goes alone until that has gone well, the one that fails again in halves, and what is
// left of it then is held back: a topic that takes nothing, or not so large a message, would
// otherwise hold up all that is due for others.
#include <algorithm>

#include "error.h"
#include "member.h"
#include "outgoing.h"

namespace gander::kafka {
namespace {

// A queue that cannot take what is due for it is tried again after so long; one of which nothing is
// said costs all others the time to wait for it, so it is tried less and less often.
constexpr std::int64_t kTryAgainIn = 5'000'000;
constexpr int kMostDoublings = 2;
// More does not get through in the time of a call on a slow day, and then never does.
constexpr std::size_t kMostBytes = 8U << 20U;
// A queue alone, as others wait behind it.
constexpr std::chrono::milliseconds kLookTime{1000}, kAloneTime{2000}, kLeast{500};
// To hear whether the cluster is there: also after the time of a call, as it may be late by a
// little.
constexpr std::chrono::milliseconds kAskTime{200};
constexpr int kAskAtLeastMs = 50;

// Whether it is an answer about what was asked for, and not the silence of the cluster.
bool is_answer(const sdk::Error& e) {
  switch (e.code()) {
    case GANDER_NOT_FOUND:
    case GANDER_CONFIG:
    case GANDER_FORBIDDEN:
    case GANDER_TOO_LARGE:
    case GANDER_FULL: return true;
    default: return false;
  }
}

}  // namespace

// Whether it is the trouble of what was to be written, and not that of the cluster or of ours with
// the group. A partition without a leader, or with too few replicas, is told by silence alone.
bool Member::is_of_the_queues(const sdk::Error& e, const sdk::Deadline& deadline) {
  if (is_answer(e)) return true;
  if (is_fenced(static_cast<rd_kafka_resp_err_t>(e.native_code())) ||
      (e.flags() & GANDER_ERROR_RECONNECT) != 0)
    return false;
  if (e.code() != GANDER_TIMEOUT && e.code() != GANDER_UNAVAILABLE) return false;
  const int left = std::max(ms_left(deadline, kAskTime), kAskAtLeastMs);
  const rd_kafka_metadata_t* raw = nullptr;
  const auto code = rd_kafka_metadata(client_.get(), 0, nullptr, &raw, left);
  const Owned<const rd_kafka_metadata_t> metadata(raw);
  return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

// Those that can take what is due for them.
std::set<std::string, std::less<>> Member::find_queues(const sdk::Deadline& deadline) {
  std::vector<std::string> due;
  {
    const std::lock_guard lock(mutex_);
    if (joined_) due = due_.queues(host_.now_us());
  }
  std::set<std::string, std::less<>> able;
  for (const std::string& queue : due)
    if (can_take(queue, deadline)) able.insert(queue);
  return able;
}

// Its topics may have been deleted while these were waiting for their time. Then they wait on, and
// others do not wait with them.
bool Member::can_take(const std::string& queue, const sdk::Deadline& deadline) {
  try {
    if (queue.empty())  // for need_queue() those of the control plane
      throw sdk::Error(GANDER_NOT_FOUND, "a record of what is to come names no queue; remove it");
    topics_.need_queue(queue, within(deadline, kLookTime));
    return true;
  } catch (const sdk::Error& e) {
    if (!is_of_the_queues(e, deadline)) throw;
    const std::lock_guard lock(mutex_);
    hold_back(queue, e);
  }
  return false;
}

// Under mutex_.
void Member::hold_back(const std::string& queue, const sdk::Error& e) {
  Suspect& suspect = suspects_[queue];
  const bool is_new = std::exchange(suspect.told, e.code()) != e.code();
  host_.log(is_new ? GANDER_LOG_WARN : GANDER_LOG_DEBUG,
            "what is due for the queue '" + queue + "' cannot be enqueued: " + e.what());
  const int doublings = is_answer(e) ? 0 : std::min(suspect.silent++, kMostDoublings);
  due_.hold_back(queue, host_.now_us() + (kTryAgainIn << doublings));
}

// Either of one suspect, or of none.
std::vector<Member::Promotion> Member::find_due(const std::set<std::string, std::less<>>& queues,
                                                std::size_t most) {
  std::vector<Promotion> found;
  const std::lock_guard lock(mutex_);
  if (!joined_) return found;  // what is ours is about to be another's
  const Suspect* alone = nullptr;
  std::vector<const Due::Entry*> chosen;
  for (const Due::Entry* entry : due_.due(host_.now_us(), most, kMostBytes)) {
    const std::string_view queue = sdk::view(entry->message.queue);
    if (!queues.contains(queue)) continue;
    const auto it = suspects_.find(queue);
    const Suspect* suspect = it == suspects_.end() ? nullptr : &it->second;
    if (chosen.empty()) alone = suspect;
    if (suspect != alone) continue;
    if (alone != nullptr && chosen.size() >= alone->most) break;
    chosen.push_back(entry);
  }
  std::ranges::stable_sort(chosen, {}, [](const auto* entry) { return entry->message.run_at_us; });
  for (const Due::Entry* entry : chosen) {
    const gander_message& m = entry->message;
    found.push_back(
        {entry->place(), std::string(sdk::view(m.queue)), ready_record(topics_.names(), m)});
  }
  return found;
}

std::size_t Member::promote(std::size_t most, const sdk::Deadline& deadline) {
  const auto queues = find_queues(deadline);
  const auto commits = hold_commits(deadline);
  if (end_doubt(deadline)) return 0;
  do {
    std::vector<Promotion> due = find_due(queues, most);
    if (due.empty() || try_promote(due, deadline)) return due.size();
  } while (ms_left(deadline, kAloneTime) >= kLeast.count());
  return 0;
}

// Whether there was one. What was written is known when it has ended and been read; until then
// nothing is promoted twice. With commits held.
bool Member::end_doubt(const sdk::Deadline& deadline) {
  if (!promoted_in_doubt_) return false;
  transactions_.resolve(deadline);
  const PartitionList later = new_list();
  {
    const std::lock_guard lock(mutex_);
    due_.distrust();
    for (const std::int32_t number : due_.partitions())
      rd_kafka_topic_partition_list_add(later.get(), topics_.names().scheduled().c_str(), number);
  }
  // Of what has been read to its end by now, the end is not told again.
  promoted_in_doubt_ = later->cnt > 0 && !read_ends(*later);
  return true;
}

// False: it failed for something in it, and will be tried in less at a time.
bool Member::try_promote(std::vector<Promotion>& due, const sdk::Deadline& deadline) {
  bool alone = false;
  {
    const std::lock_guard lock(mutex_);
    alone = suspects_.contains(due.front().queue);
  }
  try {
    write_promoted(due, alone ? within(deadline, kAloneTime) : deadline);
  } catch (const sdk::Error& e) {
    promoted_in_doubt_ = (e.flags() & GANDER_ERROR_MAYBE_APPLIED) != 0;
    // Of a topic that was deleted librdkafka may say no more than that the time is over.
    if (e.code() != GANDER_TOO_LARGE) {
      std::set<std::string_view> queues;
      for (const Promotion& one : due)
        if (queues.insert(one.queue).second) topics_.forget(topics_.names().ready(one.queue, 0));
    }
    if (promoted_in_doubt_ || !is_of_the_queues(e, deadline)) throw;
    narrow(due, e);
    return false;
  }
  const std::lock_guard lock(mutex_);
  for (const Promotion& one : due) due_.erase(one.from);
  if (const auto it = suspects_.find(due.front().queue); it != suspects_.end()) {
    if (it->second.most > due.size() * 2)
      suspects_.erase(it);
    else
      it->second.most *= 2, it->second.silent = 0;
  }
  return true;
}

void Member::narrow(const std::vector<Promotion>& due, const sdk::Error& e) {
  const std::lock_guard lock(mutex_);
  const std::string& first = due.front().queue;
  const bool of_one = std::ranges::all_of(due, [&](const auto& o) { return o.queue == first; });
  if (!of_one) {
    for (const Promotion& one : due) suspects_.try_emplace(one.queue);
    return;
  }
  Suspect& suspect = suspects_[first];
  const bool may_be_size = e.code() == GANDER_TOO_LARGE || !is_answer(e);
  if (may_be_size) suspect.most = std::max<std::size_t>(1, due.size() / 2);
  // What was silent once may have waited for the end of a transaction that failed for others.
  if (!is_answer(e) && suspect.silent++ == 0) return;
  if (e.code() != GANDER_TOO_LARGE) return hold_back(first, e);
  if (due.size() > 1) return;
  host_.log(GANDER_LOG_WARN,
            "a message that is due for the queue '" + first + "' cannot be enqueued: " + e.what());
  due_.postpone(due.front().from, host_.now_us() + kTryAgainIn);
}

void Member::write_promoted(std::vector<Promotion>& due, const sdk::Deadline& deadline) {
  std::vector<Outgoing> records;
  std::set<std::int32_t> partitions;
  const std::string scheduled = topics_.names().scheduled();
  for (Promotion& one : due) {
    records.push_back(std::move(one.ready));
    records.push_back(tombstone(scheduled, one.from.id, one.from.partition));
    partitions.insert(one.from.partition);
  }
  const PartitionList list = new_list();
  {
    const std::lock_guard lock(mutex_);
    for (const std::int32_t number : partitions)
      rd_kafka_topic_partition_list_add(list.get(), scheduled.c_str(), number)->offset =
          due_.position(number);
  }
  transactions_.run(records, list.get(), group().get(), deadline);
}

}  // namespace gander::kafka
