// Which partitions are ours: taking them over, and handing them on. On the member's own thread.
//
// A rebalance takes all partitions away and gives some back. What was handed out of one that comes
// back is still ours if nobody had it in between, which its commit says: whoever takes one over
// commits his token before he hands out anything, or that one would run what he holds beside him.
// What a member had handed out that did not leave in order counts a crash.
#include <algorithm>

#include "committed.h"
#include "member.h"

namespace gander::kafka {
namespace {

constexpr std::chrono::milliseconds kAskTime{1000};
constexpr std::chrono::milliseconds kLookAtRunning{20};

}  // namespace

void Member::on_rebalance(rd_kafka_t* rk, rd_kafka_resp_err_t code,
                          rd_kafka_topic_partition_list_t* partitions, void* opaque) {
  auto& self = *static_cast<Member*>(Client::owner_of(opaque));
  try {
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) return self.assigned(partitions);
    if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) return self.revoked(partitions);
    self.host_.log(GANDER_LOG_WARN, std::string("a rebalance failed: ") + rd_kafka_err2str(code));
  } catch (const std::exception& e) {
    self.host_.log(GANDER_LOG_ERROR, std::string("in a rebalance: ") + e.what());
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) return self.take_none();
  }
  rd_kafka_assign(rk, nullptr);
}

void Member::revoked(rd_kafka_topic_partition_list_t* /*partitions*/) {
  const bool lost = rd_kafka_assignment_lost(client_.get()) != 0;
  host_.log(GANDER_LOG_DEBUG, lost ? "the group has given us up" : "the group shares out anew");
  std::unique_lock<std::timed_mutex> commits(commit_mutex_, std::defer_lock);
  if (!lost) hand_over(commits);
  if (!commits.owns_lock()) commits.lock();
  park_all();
  joining_ = true;
  rd_kafka_assign(client_.get(), nullptr);
}

// Whatever fails of it costs a second run. What was ours must be so no longer all the same.
void Member::hand_over(std::unique_lock<std::timed_mutex>& commits) {
  try {
    await_running();
    commits.lock();
    commit(true);
  } catch (const std::exception& e) {
    host_.log(GANDER_LOG_ERROR, std::string("handing over: ") + e.what());
  }
}

void Member::park_all() {
  const std::lock_guard lock(mutex_);
  stock_.park_all();
  due_.park_all();
  // Who was out of the group was not waited for by whoever paused a queue meanwhile.
  joined_ = handing_over_ = state_read_ = false;
}

// Another has our name, and by it our partitions. He runs what was handed out, so what becomes of
// it here is LEASE_LOST from now on.
void Member::give_up() {
  if (replaced_) return;
  host_.log(
      GANDER_LOG_WARN,
      "the group: another process has joined by the name '" + settings_.member +
          "' and has taken over; if both are to live, give each an option 'member' of its own");
  note_id();
  name_.lost();
  const std::lock_guard commit_lock(commit_mutex_);
  park_all();
  const std::lock_guard lock(mutex_);
  stock_.forget_parked();
  due_.forget_parked();
  replaced_ = true;
  changed_.notify_all();
}

void Member::note_id() {
  if (in_group_.empty()) return;
  if (const std::string own = id(); !own.empty()) name_.joined_as(own);
}

// That the group has made up; empty: it knows us not.
std::string Member::id() const {
  char* raw = rd_kafka_memberid(client_.get());
  if (raw == nullptr) return {};
  std::string id = raw;
  rd_kafka_mem_free(client_.get(), raw);
  return id;
}

// What a predecessor of our name had may be of queues that he asked for only later.
bool Member::asked_for(const rd_kafka_topic_partition_list_t& partitions) {
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < partitions.cnt; ++i) {
    const std::string_view topic = partitions.elems[i].topic;
    if (queue_of(topic) == nullptr && topic != topics_.names().scheduled()) return false;
  }
  return true;
}

// What runs may end, for a while: what then still runs may be run again by another. Nothing is
// handed out meanwhile.
void Member::await_running() {
  const auto until = Clock::now() + settings_.rebalance_wait;
  const auto over = [this] { return !stock_.holds_any() || stopping_; };
  std::unique_lock lock(mutex_);
  joined_ = false;
  handing_over_ = true;
  changed_.notify_all();
  while (!changed_.wait_until(lock, std::min(until, Clock::now() + kLookAtRunning), over) &&
         Clock::now() < until) {
    lock.unlock();
    commit_if_due();
    lock.lock();
  }
}

void Member::assigned(rd_kafka_topic_partition_list_t* partitions) {
  const PartitionList owned(rd_kafka_topic_partition_list_copy(partitions));
  joining_ = refused_ = false;
  note_id();
  if (!asked_for(*owned) || !read_committed(owned.get())) return take_none();
  const std::lock_guard commit_lock(commit_mutex_);
  for (int i = 0; i < owned->cnt; ++i) {
    take_over(owned->elems[i]);
    forward(owned->elems[i]);
  }
  {
    const std::lock_guard lock(mutex_);
    stock_.forget_parked();
    due_.forget_parked();
  }
  add_state(*owned);
  read_ends(*owned);
  const bool claimed = commit(false);
  rd_kafka_assign(client_.get(), owned.get());
  host_.log(GANDER_LOG_DEBUG, std::to_string(owned->cnt) + " partitions are ours");
  const std::lock_guard lock(mutex_);
  // Without it a former owner would take what he held for his own still, when he is back, and run
  // it beside us.
  if (!claimed) owe_commit();
  drop_refusals(*owned);
  joined_ = true;
  handing_over_ = false;
  changed_.notify_all();
}

// What all must know is of no group: everyone reads it, beside what is his own.
void Member::add_state(rd_kafka_topic_partition_list_t& list) {
  const std::string topic = topics_.names().state();
  rd_kafka_topic_partition_t& at = *rd_kafka_topic_partition_list_add(&list, topic.c_str(), 0);
  {
    const std::lock_guard lock(mutex_);
    at.offset = state_position_;
  }
  forward(at);
}

// Waits for transactions under way, so that what a predecessor has just settled is not run again.
bool Member::read_committed(rd_kafka_topic_partition_list_t* partitions) {
  while (!stopping_) {
    const auto code = rd_kafka_committed(client_.get(), partitions, kAskTime.count());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    host_.log(GANDER_LOG_DEBUG,
              std::string("reading what is committed: ") + rd_kafka_err2str(code));
    if (is_fenced(code) || rd_kafka_assignment_lost(client_.get()) != 0) return false;
  }
  return false;
}

void Member::look_for_ends() {
  const PartitionList owned = new_list();
  {
    const std::lock_guard lock(mutex_);
    stock_.each_owned([&](Partition& p) {
      rd_kafka_topic_partition_list_add(owned.get(), p.topic.c_str(), p.number);
    });
  }
  if (owned->cnt > 0) read_ends(*owned);
}

// So that what is empty is known to be at once, and not after the first fetch.
bool Member::read_ends(const rd_kafka_topic_partition_list_t& partitions) {
  const PartitionList ends(rd_kafka_topic_partition_list_copy(&partitions));
  for (int i = 0; i < ends->cnt; ++i) ends->elems[i].offset = RD_KAFKA_OFFSET_END;
  if (rd_kafka_offsets_for_times(client_.get(), ends.get(), kAskTime.count()) !=
      RD_KAFKA_RESP_ERR_NO_ERROR)
    return false;
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < ends->cnt; ++i) {
    const rd_kafka_topic_partition_t& at = ends->elems[i];
    if (at.offset < 0) continue;
    Partition* p = stock_.owned(at.topic, at.partition);
    if (at.topic == topics_.names().state()) {
      if (at.offset <= std::max<std::int64_t>(0, state_position_)) read_state();
    } else if (p != nullptr) {
      p->end = at.offset;
      p->at_end = p->expected >= p->end;
    } else if (at.topic == topics_.names().scheduled() &&
               at.offset <= std::max<std::int64_t>(0, due_.position(at.partition))) {
      due_.reached_end(at.partition, at.offset);
    }
  }
  return true;
}

Offsets Member::offsets_of(const rd_kafka_topic_partition_t& at) {
  std::int64_t base = at.offset;
  if (base < 0) {  // nobody ever committed, or it has expired
    std::int64_t low = 0, high = 0;
    const auto code = rd_kafka_query_watermark_offsets(client_.get(), at.topic, at.partition, &low,
                                                       &high, kAskTime.count());
    base = code == RD_KAFKA_RESP_ERR_NO_ERROR ? low : 0;
  }
  if (auto offsets = read_commit(at, base)) return *std::move(offsets);
  if (at.metadata != nullptr && at.metadata_size > 0)
    host_.log(GANDER_LOG_WARN, std::string(at.topic) + "[" + std::to_string(at.partition) +
                                   "]: the commit cannot be read, so all from " +
                                   std::to_string(base) + " runs again");
  return Offsets(base);
}

void Member::take_over(rd_kafka_topic_partition_t& at) {
  if (at.topic == topics_.names().scheduled()) {
    const std::lock_guard lock(mutex_);
    const std::int64_t from = due_.assign(at.partition);
    at.offset = from < 0 ? RD_KAFKA_OFFSET_BEGINNING : from;
    return;
  }
  Offsets offsets = offsets_of(at);
  const std::lock_guard lock(mutex_);
  Partition* before = stock_.parked(at.topic, at.partition);
  if (before != nullptr && offsets.owner == token_) {
    before->owned = true;
    before->cut_off = false;
    before->expected = before->offsets.base();
  } else {
    Partition made;
    made.topic = at.topic;
    made.number = at.partition;
    if (const Queue* queue = queue_of(at.topic); queue != nullptr)
      made.queue = queue->queue, made.priority = queue->priority;
    const std::size_t held = offsets.give_back_all({offsets.left ? 0U : 1U, 0});
    if (!offsets.left) reclaimed_ += held;
    made.careful = !offsets.left;
    made.offsets = std::move(offsets);
    made.expected = made.offsets.base();
    before = &stock_.assign(std::move(made));
  }
  before->dirty = true;  // the claim
  at.offset = before->offsets.base();
}

void Member::forward(const rd_kafka_topic_partition_t& at) {
  const Owned<rd_kafka_queue_t> from(
      rd_kafka_queue_get_partition(client_.get(), at.topic, at.partition));
  if (!from) return;
  const std::lock_guard lock(mutex_);
  const Queue* queue = queue_of(at.topic);
  rd_kafka_queue_forward(from.get(), queue == nullptr ? control_.get() : queue->raw.get());
}

// Whose topic it is; null: no queue's that was asked for. Under mutex_.
const Member::Queue* Member::queue_of(std::string_view topic) const {
  for (const auto& queue : queues_)
    if (topics_.names().ready(queue->queue, queue->priority) == topic) return queue.get();
  return nullptr;
}

}  // namespace gander::kafka
