// Out of the group, in order: so that nobody waits for one who is no more. On the member's own
// thread.
#include "member.h"

namespace gander::kafka {
namespace {

constexpr std::chrono::milliseconds kAskTime{1000};
constexpr std::chrono::milliseconds kLeaveTime{3000};
constexpr int kPollMs = 5;

}  // namespace

// Not by rd_kafka_consumer_close(): when it begins beside a rebalance, the rd_kafka_assign() in the
// callback may wait for ever (librdkafka 2.0.2).
void Member::leave() {
  await_answer_to_join();
  rd_kafka_unsubscribe(client_.get());
  const auto is_out = [&] {
    rd_kafka_topic_partition_list_t* raw = nullptr;
    rd_kafka_assignment(client_.get(), &raw);
    const PartitionList assigned(raw);
    return id().empty() && (raw == nullptr || raw->cnt == 0);
  };
  for (const auto until = Clock::now() + kLeaveTime; Clock::now() < until && !is_out();)
    poll(kPollMs);
  {
    const std::lock_guard lock(mutex_);
    if (refusals_.contains("")) return;  // it would not hear of us
  }
  // An answer of the coordinator that was asked later: it has heard that we are gone.
  const PartitionList any = new_list(1);
  rd_kafka_topic_partition_list_add(any.get(), topics_.names().scheduled().c_str(), 0);
  rd_kafka_committed(client_.get(), any.get(), kAskTime.count());
}

// Until it is there the coordinator reads nothing more from us: not that we leave, nor that the
// connection is closed. It would let in one who is no more, and all would wait a lease for him.
void Member::await_answer_to_join() {
  const auto is_there = [this] {
    const rd_kafka_metadata_t* raw = nullptr;
    const auto code = rd_kafka_metadata(client_.get(), 0, nullptr, &raw, kAskTime.count());
    const Owned<const rd_kafka_metadata_t> metadata(raw);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
  };
  const auto until = Clock::now() + settings_.longest_join();
  auto look = Clock::now() + kAskTime;
  if (joining_ && !refused_ && !replaced_)
    host_.log(GANDER_LOG_INFO, "the group has not let us in yet: leaving when it has");
  while (joining_ && !refused_ && !replaced_ && Clock::now() < until) {
    poll(kPollMs);
    if (Clock::now() < look) continue;
    if (!is_there()) return;
    look = Clock::now() + kAskTime;
  }
}

// As somebody whom the group does not know, so that it shares out anew.
void Member::join_anew() {
  leave();
  const std::lock_guard lock(mutex_);
  if (!replaced_) subscribe();
  join_anew_ = false;  // not before: it would be of no group, and nobody would know
}

// Of what the group gave us. With null in place of the empty list librdkafka 2.0.2 waits for
// another answer, which does not come; and with the list alone nobody would serve what is ours.
void Member::take_none() {
  join_anew_ = true;
  const PartitionList none = new_list();
  rd_kafka_assign(client_.get(), none.get());
}

bool Member::poll(int wait_ms) {
  const Owned<rd_kafka_message_t> message(rd_kafka_consumer_poll(client_.get(), wait_ms));
  if (message) handle(message.get());
  return message != nullptr;
}

}  // namespace gander::kafka
