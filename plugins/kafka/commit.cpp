// What this process tells the group of its partitions, and the transactions that go with it.
#include <gander/sdk/message_bytes.hpp>

#include <algorithm>
#include <utility>

#include "committed.h"
#include "member.h"

namespace gander::kafka {
namespace {

// Acks that a crash may take back, and so run again, are those of so long.
constexpr std::chrono::milliseconds kCommitEvery{200};
// No more are begun when the oldest that is not committed is older than this.
constexpr std::chrono::milliseconds kCommitLate{500};
// A process that dies of a message within so long after taking it counts no crash that time.
constexpr std::chrono::milliseconds kCommitHandedOut{20};

constexpr std::chrono::milliseconds kSlice{1};

// Deleting is a request, and frees whole segments only.
constexpr std::chrono::seconds kTrimEvery{30};
constexpr std::int64_t kTrimFrom = 10'000;

}  // namespace

std::unique_lock<std::timed_mutex> Member::hold_commits(const sdk::Deadline& deadline) {
  std::unique_lock<std::timed_mutex> lock(commit_mutex_, std::defer_lock);
  const int left = ms_left(deadline, settings_.call_timeout);
  if (!lock.try_lock_for(std::chrono::milliseconds(left)))
    throw client_.error(RD_KAFKA_RESP_ERR__TIMED_OUT, "waiting for the answer to a commit");
  return lock;
}

// What fences a transaction. Of one whom the group does not know the cluster takes it as the word
// of nobody, and so beside that of whoever has the partitions now.
Owned<rd_kafka_consumer_group_metadata_t> Member::group() const {
  const std::string before = id();
  Owned<rd_kafka_consumer_group_metadata_t> group(rd_kafka_consumer_group_metadata(client_.get()));
  if (!before.empty() && id() == before) return group;
  throw client_.error(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, "settling");
}

void Member::commit_if_due() {
  {
    const std::lock_guard lock(mutex_);
    uncommitted_ = stock_.changed || stock_.handed_out;
    if (stock_.changed && !uncommitted_since_) uncommitted_since_ = Clock::now();
    const auto pause = stock_.handed_out ? kCommitHandedOut : kCommitEvery;
    if (!uncommitted_ || Clock::now() - committed_at_ < pause) return;
  }
  const std::unique_lock<std::timed_mutex> lock(commit_mutex_, std::try_to_lock);
  if (lock.owns_lock()) commit(false, true);
}

bool Member::commits_late() const {
  return uncommitted_since_ && Clock::now() - *uncommitted_since_ > kCommitLate;
}

// As far as it was done when that was asked for. Under mutex_.
void Member::committed_all() {
  const bool late = std::exchange(commit_owed_, false) || commits_late();
  uncommitted_since_ = stock_.changed ? std::optional(committed_at_) : std::nullopt;
  if (late && !commits_late()) ring_all();
}

bool Member::commit_now(const sdk::Deadline& deadline) {
  std::unique_lock<std::timed_mutex> lock(commit_mutex_, std::defer_lock);
  const auto left = [&] { return std::chrono::milliseconds(ms_left(deadline, kAnswerTime)); };
  return lock.try_lock_for(left()) && commit(false, false, left());
}

// `draining`: on the member's own thread; what arrives meanwhile must not wait for a commit, which
// may take a slow disk's time.
Owned<rd_kafka_event_t> Member::answer(rd_kafka_queue_t* queue, bool draining,
                                       std::chrono::milliseconds most) {
  const auto poll = [&](std::chrono::milliseconds time) {
    return Owned<rd_kafka_event_t>(rd_kafka_queue_poll(queue, static_cast<int>(time.count())));
  };
  if (!draining) return poll(most);
  for (const auto until = Clock::now() + most; Clock::now() < until; drain_all())
    if (auto event = poll(kSlice)) return event;
  return nullptr;
}

// Whether the last commit has been. librdkafka sends one again that the cluster went away from,
// when it is back: a newer one beside it might be overtaken by it. And of a process that the
// cluster has missed meanwhile it would come under no name, which fences its own. Under
// commit_mutex_.
bool Member::answered(bool draining, std::chrono::milliseconds most) {
  if (!unanswered_) return true;
  const auto time = draining ? kSlice : most;
  const Owned<rd_kafka_event_t> late(
      rd_kafka_queue_poll(unanswered_.get(), static_cast<int>(time.count())));
  if (!late) return false;
  unanswered_.reset();
  return true;
}

// In a rebalance it is as it should be. What does not end by itself is an operator's to know: all
// since the last commit would run again.
void Member::tell_refused(rd_kafka_resp_err_t code) {
  const sdk::Error error = client_.error(code, "committing what is done");
  const bool stays = (error.flags() & GANDER_ERROR_RETRYABLE) == 0;
  const bool is_new = std::exchange(refused_commit_, code) != code;
  host_.log(stays && is_new ? GANDER_LOG_WARN : GANDER_LOG_DEBUG,
            std::string(error.what()) + "; nothing more is begun until it is committed");
}

// Under commit_mutex_.
bool Member::commit(bool leaving, bool draining, std::chrono::milliseconds most) {
  const auto now = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    committed_at_ = now;
  }
  const auto until = now + most;
  if (!answered(draining, most)) return false;
  const PartitionList list = new_list();
  {
    const std::lock_guard lock(mutex_);
    stock_.each_owned([&](Partition& p) {
      if (!p.dirty && !leaving) return;
      p.offsets.owner = token_;
      p.offsets.left = leaving;
      p.offsets.idle = stock_.is_idle(p.queue);
      add_commit(*list, p.topic, p.number, p.offsets);
      p.dirty = false;
    });
    stock_.changed = stock_.handed_out = false;
    if (list->cnt == 0) committed_all();
  }
  if (list->cnt == 0) return true;
  // Not rd_kafka_commit(): that waits for as long as the cluster is away.
  Owned<rd_kafka_queue_t> answers(rd_kafka_queue_new(client_.get()));
  auto code = rd_kafka_commit_queue(client_.get(), list.get(), answers.get(), nullptr, nullptr);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    const auto said = answer(answers.get(), draining, std::max(left, kSlice));
    code = said ? rd_kafka_event_error(said.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (!said) unanswered_ = std::move(answers);
  }
  const std::lock_guard lock(mutex_);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    refused_commit_ = code;
    for (int i = 0; i < list->cnt; ++i)
      if (Partition* p = stock_.owned(list->elems[i].topic, list->elems[i].partition))
        p->committed = list->elems[i].offset;
    committed_all();
    return true;
  }
  for (int i = 0; i < list->cnt; ++i)
    if (Partition* p = stock_.owned(list->elems[i].topic, list->elems[i].partition))
      p->dirty = stock_.changed = true;
  tell_refused(code);
  return false;
}

void Member::write(const std::vector<Outgoing>& records, const std::vector<const Record*>& settled,
                   const sdk::Deadline& deadline) {
  if (!answered(true))
    throw client_.error(RD_KAFKA_RESP_ERR__TIMED_OUT, "waiting for the answer to a commit");
  const PartitionList list = new_list();
  {
    const std::lock_guard lock(mutex_);
    std::map<const Partition*, Offsets> after;
    for (const Record* record : settled) {
      if (!record->partition->owned)
        throw sdk::Error(GANDER_UNAVAILABLE,
                         settings_.where() + ": the group is sharing out its partitions; try again",
                         GANDER_ERROR_RETRYABLE);
      const auto [it, fresh] = after.try_emplace(record->partition, record->partition->offsets);
      it->second.owner = token_;
      it->second.left = false;
      it->second.finish(record->offset);
    }
    for (const auto& [partition, offsets] : after)
      add_commit(*list, partition->topic, partition->number, offsets);
  }
  transactions_.run(records, list.get(), group().get(), deadline);
}

bool Member::shall_trim() {
  const std::lock_guard lock(mutex_);
  if (Clock::now() - trimmed_at_ < kTrimEvery) return false;
  trimmed_at_ = Clock::now();
  return true;
}

// What every worker is through with takes up room in the log for ever: its retention has no end.
void Member::trim_log(const sdk::Deadline& deadline) {
  std::vector<PartitionEnd> ends;
  {
    const std::lock_guard lock(mutex_);
    stock_.each_owned([&](Partition& p) {
      if (p.committed >= p.trimmed + kTrimFrom) ends.push_back({p.topic, p.number, p.committed});
    });
  }
  if (ends.empty()) return;
  Admin(client_).delete_before(ends, deadline);
  const std::lock_guard lock(mutex_);
  for (const PartitionEnd& end : ends)
    if (Partition* p = stock_.owned(end.topic, end.partition)) p->trimmed = end.offset;
}

}  // namespace gander::kafka
