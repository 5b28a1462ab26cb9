// What this user may not do. librdkafka goes on asking by itself, and says once that it is refused:
// that is kept for those who wait for it, until it is granted.
#include "member.h"

namespace gander::kafka {

// Under mutex_.
void Member::note_rights(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR && refusals_.empty()) return;
  const bool of_group = message.rkt == nullptr;
  const std::string topic = of_group ? "" : rd_kafka_topic_name(message.rkt);
  if (is_refusal(message.err)) {
    refusals_.insert_or_assign(
        topic, client_.error(message.err, of_group ? "joining the group " + settings_.prefix
                                                   : "reading " + topic));
    changed_.notify_all();
  } else if (!of_group && (message.err == RD_KAFKA_RESP_ERR_NO_ERROR ||
                           message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF)) {
    refusals_.erase(topic);
  }
}

// librdkafka tries on; what does not end by itself is an operator's to know, once. Under mutex_.
void Member::tell_unread(const rd_kafka_message_t& m) {
  if (m.rkt == nullptr || is_refusal(m.err)) return;  // that is told to whoever waits for it
  const std::string topic = rd_kafka_topic_name(m.rkt);
  if (!unread_.emplace(topic, m.partition, m.err).second) return;
  const std::string doing = "reading " + topic + "[" + std::to_string(m.partition) + "]";
  host_.log(GANDER_LOG_WARN, client_.error(m.err, doing).what());
}

// The group has let us in, and what is another's now nobody tells us of any more. Under mutex_.
void Member::drop_refusals(const rd_kafka_topic_partition_list_t& owned) {
  std::set<std::string, std::less<>> ours{topics_.names().state()};
  for (int i = 0; i < owned.cnt; ++i) ours.insert(owned.elems[i].topic);
  std::erase_if(refusals_, [&](const auto& refusal) { return !ours.contains(refusal.first); });
}

void Member::require_rights() {
  const std::lock_guard lock(mutex_);
  if (!refusals_.empty()) throw sdk::Error(refusals_.begin()->second);
}

}  // namespace gander::kafka
