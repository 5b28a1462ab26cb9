// A worker that has its hands full owns its partitions all the same, and what waits in them would
// wait for as long as its jobs take, while others are idle. So what a worker has not asked for in a
// second it writes to a partition whose owner has taken all there is and asked for more, as his
// commit says, and is through with it here: both in one transaction. With nobody idle nothing is
// moved, or two busy ones would hand it to and fro for as long as they are.
#include <algorithm>

#include "committed.h"
#include "member.h"
#include "outgoing.h"

namespace gander::kafka {
namespace {

constexpr std::chrono::seconds kStuckAfter{1};
// Few at a time: whoever is idle now may not be when he has them.
constexpr std::size_t kPerIdlePartition = 32;
constexpr std::size_t kMostBytes = 4U << 20U;
constexpr std::chrono::milliseconds kAskTime{1000};
constexpr std::chrono::seconds kPatience{5};

}  // namespace

// One at a time: each may take its deadline, and between them the group must be answered. When that
// has run out the others would fare no better.
void Member::hand_on_if_stuck() {
  find_stuck();
  if (stuck_.empty()) return;
  const Queue* queue = stuck_.back();
  stuck_.pop_back();
  const auto until = Clock::now() + kPatience;
  try {
    hand_on(*queue);
  } catch (const sdk::Error& e) {
    host_.log(GANDER_LOG_DEBUG, std::string("handing on: ") + e.what());
    stuck_.clear();
  }
  if (Clock::now() >= until) stuck_.clear();
}

void Member::find_stuck() {
  const auto now = Clock::now();
  if (!stuck_.empty() || now - looked_at_stuck_ < kStuckAfter) return;
  looked_at_stuck_ = now;
  const std::lock_guard lock(mutex_);
  if (!joined_) return;
  for (const auto& queue : queues_) {
    const auto asked = asked_at_.find(queue->queue);
    const bool wanted = asked != asked_at_.end() && now - asked->second < kStuckAfter;
    if (!wanted && stock_.waits(queue->queue, queue->priority)) stuck_.push_back(queue.get());
  }
}

// Partitions of others who are idle.
std::vector<std::int32_t> Member::starving(const std::string& topic, int partitions) {
  const PartitionList others = new_list(partitions);
  {
    const std::lock_guard lock(mutex_);
    for (std::int32_t number = 0; number < partitions; ++number)
      if (stock_.owned(topic, number) == nullptr)
        rd_kafka_topic_partition_list_add(others.get(), topic.c_str(), number)->offset =
            RD_KAFKA_OFFSET_END;
  }
  std::vector<std::int32_t> found;
  if (others->cnt == 0) return found;
  const PartitionList ends(rd_kafka_topic_partition_list_copy(others.get()));
  if (rd_kafka_committed(client_.get(), others.get(), kAskTime.count()) != 0 ||
      rd_kafka_offsets_for_times(client_.get(), ends.get(), kAskTime.count()) != 0)
    return found;
  for (int i = 0; i < others->cnt; ++i) {
    const rd_kafka_topic_partition_t& at = others->elems[i];
    if (at.offset < 0) continue;  // nobody has taken it over
    const auto offsets = read_commit(at, at.offset);
    const auto* end = rd_kafka_topic_partition_list_find(ends.get(), topic.c_str(), at.partition);
    if (offsets && !offsets->left && offsets->idle && end != nullptr &&
        offsets->next() >= end->offset)
      found.push_back(at.partition);
  }
  return found;
}

void Member::hand_on(const Queue& queue) {
  const sdk::Deadline deadline = after(kPatience);
  const std::string topic = topics_.names().ready(queue.queue, queue.priority);
  const auto to = starving(topic, topics_.need_queue(queue.queue, deadline));
  if (to.empty()) return;
  const auto commits = hold_commits(deadline);
  std::vector<Record> records;
  {
    const std::lock_guard lock(mutex_);
    records =
        stock_.remove_last(queue.queue, queue.priority, to.size() * kPerIdlePartition, kMostBytes);
  }
  std::vector<Outgoing> copies;
  std::vector<const Record*> originals;
  for (const Record& record : records) {
    const std::int32_t partition = to[copies.size() % to.size()];
    copies.push_back(ready_record(topics_.names(), record.message));
    copies.back().partition = partition;
    originals.push_back(&record);
  }
  if (copies.empty()) return;
  bool moved = false;
  try {
    write(copies, originals, deadline);
    moved = true;
  } catch (const sdk::Error& e) {
    // If it was written after all, it runs twice; were it dropped here, it might not run at all.
    host_.log(GANDER_LOG_DEBUG, std::string("handing on: ") + e.what());
  }
  const std::lock_guard lock(mutex_);
  for (Record& record : records) {
    if (!moved) {
      stock_.put_back(std::move(record));
      continue;
    }
    record.partition->offsets.finish(record.offset);
    record.partition->dirty = stock_.changed = true;
  }
  if (!moved) bell_.ring(queue.queue);  // whoever came to take meanwhile found nothing
}

}  // namespace gander::kafka
