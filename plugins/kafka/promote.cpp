// What is to come and has come due: from <prefix>.sched into the topics of its queues, by whoever
// owns that part of it.
#include "member.h"
#include "outgoing.h"

namespace gander::kafka {
namespace {

// A queue that cannot take what is due for it is tried again after so long.
constexpr std::int64_t kTryAgainIn = 5'000'000;

// Whether it is that queue's trouble, and not that of the cluster.
bool is_of_the_queue(const sdk::Error& e) {
  return e.code() == GANDER_NOT_FOUND || e.code() == GANDER_CONFIG || e.code() == GANDER_FORBIDDEN;
}

}  // namespace

std::vector<Member::Promotion> Member::find_due(std::size_t most) {
  std::vector<Promotion> found;
  const std::lock_guard lock(mutex_);
  for (const Due::Entry* entry : due_.due(host_.now_us(), most)) {
    const gander_message& m = entry->message;
    found.push_back({m.id, std::string(sdk::view(m.queue)), entry->partition,
                     ready_record(topics_.names(), m)});
  }
  return found;
}

// Its topics may have been deleted while these were waiting for their time. Then they wait on, and
// others do not wait with them.
bool Member::can_take(const std::string& queue, const sdk::Deadline& deadline) {
  try {
    topics_.need_queue(queue, deadline);
    return true;
  } catch (const sdk::Error& e) {
    if (!is_of_the_queue(e)) throw;
    host_.log(GANDER_LOG_WARN,
              "what is due for the queue '" + queue + "' cannot be enqueued: " + e.what());
  }
  const std::lock_guard lock(mutex_);
  due_.hold_back(queue, host_.now_us() + kTryAgainIn);
  return false;
}

std::size_t Member::promote(std::size_t most, const sdk::Deadline& deadline) {
  const auto commits = hold_commits(deadline);
  if (promoted_in_doubt_) {
    // What it wrote is known when it has ended and been read; until then nothing is promoted twice.
    transactions_.resolve(deadline);
    promoted_in_doubt_ = false;
    const std::lock_guard lock(mutex_);
    due_.distrust();
    return 0;
  }
  std::vector<Promotion> due = find_due(most);
  std::map<std::string, bool> takes;
  for (const Promotion& one : due)
    if (!takes.contains(one.queue)) takes[one.queue] = can_take(one.queue, deadline);
  std::erase_if(due, [&](const Promotion& one) { return !takes.at(one.queue); });
  if (due.empty()) return 0;
  write_promoted(due, deadline);
  const std::lock_guard lock(mutex_);
  for (const Promotion& one : due) due_.erase(one.id);
  return due.size();
}

void Member::write_promoted(std::vector<Promotion>& due, const sdk::Deadline& deadline) {
  std::vector<Outgoing> records;
  std::set<std::int32_t> partitions;
  const std::string scheduled = topics_.names().scheduled();
  for (Promotion& one : due) {
    records.push_back(std::move(one.ready));
    records.push_back(tombstone(scheduled, one.id, one.partition));
    partitions.insert(one.partition);
  }
  const PartitionList list = new_list();
  {
    const std::lock_guard lock(mutex_);
    for (const std::int32_t number : partitions)
      rd_kafka_topic_partition_list_add(list.get(), scheduled.c_str(), number)->offset =
          due_.position(number);
  }
  try {
    transactions_.run(records, list.get(), group().get(), deadline);
  } catch (const sdk::Error& e) {
    promoted_in_doubt_ = (e.flags() & GANDER_ERROR_MAYBE_APPLIED) != 0;
    // Of a topic that was deleted librdkafka may say no more than that the time is over.
    std::set<std::string_view> topics;
    for (const Outgoing& record : records) topics.insert(record.topic);
    for (const std::string_view topic : topics) topics_.forget(topic);
    throw;
  }
}

}  // namespace gander::kafka
