// What comes from the cluster to the member's thread: records, the ends of partitions, and errors.
#include <gander/sdk/message_bytes.hpp>

#include "member.h"

namespace gander::kafka {
namespace {

// Of one queue at a go, before the others get their turn, and what is done is committed.
constexpr int kAtOnce = 1000;

}  // namespace

// What has come is shown at once or not at all, so that of two priorities that came together nobody
// sees the lower alone.
bool Member::drain(Queue& from) {
  std::vector<Owned<rd_kafka_message_t>> messages;
  while (messages.size() < kAtOnce) {
    rd_kafka_message_t* m = rd_kafka_consume_queue(from.raw.get(), 0);
    if (m == nullptr) break;
    messages.emplace_back(m);
  }
  if (messages.empty()) return false;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& message : messages) news = arrive(*message) || news;
  }
  changed_.notify_all();
  if (news) bell_.ring(from.queue);
  return true;
}

bool Member::drain_control() {
  int n = 0;
  for (; n < kAtOnce; ++n) {
    const Owned<rd_kafka_message_t> message(rd_kafka_consume_queue(control_.get(), 0));
    if (!message) break;
    arrive_control(message.get());
  }
  if (n == 0) return false;
  // Not after each: who waits for the end of a million would look as often.
  changed_.notify_all();
  const std::lock_guard lock(mutex_);
  ring_for_sooner();
  return true;
}

// Whoever was told that nothing, or only something later, falls due would sleep until then. Under
// mutex_.
void Member::ring_for_sooner() {
  for (const std::string& queue : subscribed_) {
    const std::int64_t next = due_.next(queue);
    std::int64_t& told = told_due_[queue];
    if (next == 0 || (told != 0 && told <= next)) continue;
    told = next;
    bell_.ring(queue);
  }
}

std::int64_t Member::tell_due(std::string_view queue) {
  const std::int64_t next = due_.next(queue);
  if (const auto told = told_due_.find(queue); told != told_due_.end())
    told->second = next;
  else
    told_due_.emplace(queue, next);
  return next;
}

// Whether there is more to take. Under mutex_.
bool Member::arrive(const rd_kafka_message_t& m) {
  if (m.rkt == nullptr) return false;
  note_rights(m);
  Partition* partition = stock_.owned(rd_kafka_topic_name(m.rkt), m.partition);
  if (partition == nullptr || is_cut_off(*partition, m)) return false;
  if (m.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    partition->at_end = true;
    if (m.offset > partition->expected) {
      partition->dirty = stock_.changed = true;
      partition->offsets.skip(partition->expected, m.offset);
      partition->expected = m.offset;
    }
    return false;
  }
  if (m.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    tell_unread(m);
    return false;
  }
  try {
    return stock_.arrive(*partition, m.offset, {static_cast<const char*>(m.payload), m.len});
  } catch (const sdk::Error& e) {
    host_.log(GANDER_LOG_ERROR, partition->topic + "[" + std::to_string(m.partition) + "] offset " +
                                    std::to_string(m.offset) + ": " + e.what() +
                                    "; it is passed over");
    return false;
  }
}

// Where the log ends before what is to come next, librdkafka begins again at its begin without a
// word. The log has lost its end, or is another of the same name: passed over as what is done
// already, all that is enqueued up to the old end would never run. Under mutex_.
bool Member::is_cut_off(Partition& p, const rd_kafka_message_t& m) {
  if (p.cut_off) return true;
  const bool is_place =
      m.err == RD_KAFKA_RESP_ERR_NO_ERROR || m.err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  if (!is_place || m.offset >= p.expected) return false;
  host_.log(GANDER_LOG_WARN, p.topic + "[" + std::to_string(p.number) +
                                 "]: its log is shorter than " + std::to_string(p.expected) +
                                 ", which was reached before; all that it has runs again");
  return p.cut_off = cut_off_ = true;
}

// Not where it is found, as commits are not held there: settles may be about what was handed out.
void Member::begin_anew_if_cut_off() {
  if (!cut_off_) return;
  const std::unique_lock<std::timed_mutex> commits(commit_mutex_, std::try_to_lock);
  if (!commits.owns_lock()) return;
  const std::lock_guard lock(mutex_);
  std::vector<Partition*> found;
  stock_.each_owned([&](Partition& p) {
    if (p.cut_off) found.push_back(&p);
  });
  for (Partition* p : found) stock_.begin_anew(*p);
  cut_off_ = false;
  join_anew_ = true;
}

// Errors of the group; and what came before its partition was forwarded.
void Member::handle(rd_kafka_message_t* message) {
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
      message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
    return;
  {
    const std::lock_guard lock(mutex_);
    note_rights(*message);
  }
  // It is fenced; librdkafka serves it no more.
  if (message->err == RD_KAFKA_RESP_ERR__FATAL) return give_up();
  if (message->rkt == nullptr) refused_ = true;
  host_.log(
      GANDER_LOG_WARN,
      "the group: " + (message->payload != nullptr
                           ? std::string(static_cast<const char*>(message->payload), message->len)
                           : std::string(rd_kafka_err2str(message->err))));
}

void Member::arrive_control(const rd_kafka_message_t* m) {
  {
    const std::lock_guard lock(mutex_);
    note_rights(*m);
  }
  const bool state = m->rkt != nullptr && topics_.names().state() == rd_kafka_topic_name(m->rkt);
  if (state) return arrive_state(m);
  const std::lock_guard lock(mutex_);
  if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return due_.reached_end(m->partition, m->offset);
  if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) return tell_unread(*m);
  const std::string_view key(static_cast<const char*>(m->key), m->key_len);
  if (m->payload == nullptr) return due_.arrive(m->partition, m->offset, key, nullptr);
  try {
    const gander_message message =
        sdk::read_message({static_cast<const char*>(m->payload), m->len});
    due_.arrive(m->partition, m->offset, key, &message);
  } catch (const sdk::Error& e) {
    host_.log(GANDER_LOG_ERROR, std::string("scheduled: ") + e.what() + "; it is left where it is");
  }
}

// What had come before was not handed out, and its bell may have been rung in vain. Under mutex_.
void Member::read_state() {
  if (std::exchange(state_read_, true)) return;
  changed_.notify_all();
  ring_all();
}

// Under mutex_.
void Member::ring_all() {
  for (const std::string& queue : subscribed_)
    if (stock_.any(queue)) bell_.ring(queue);
}

void Member::arrive_state(const rd_kafka_message_t* m) {
  if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    const std::lock_guard lock(mutex_);
    return read_state();
  }
  if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const std::lock_guard lock(mutex_);
    return tell_unread(*m);
  }
  const std::string_view key(static_cast<const char*>(m->key), m->key_len);
  {
    const std::lock_guard lock(mutex_);
    state_position_ = m->offset + 1;
  }
  if (answered_by(key)) return;
  if (const auto id = request_of(key)) return arrive_request(*id, *m);
  {
    const std::lock_guard lock(mutex_);
    stock_.pause(key, m->payload != nullptr);
  }
  if (m->payload == nullptr) bell_.ring(key);
}

}  // namespace gander::kafka
