#include "enqueue.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>
#include <set>

namespace gander::kafka {

Writer::Writer(Instance& instance, const sdk::Deadline& deadline)
    : instance_(instance), producer_(instance.settings, instance.host, deadline) {}

void Writer::enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
                     const sdk::Deadline& deadline) {
  if (deadline.passed())
    throw error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, instance_.settings.where(), "enqueueing");
  const std::int64_t now_us = instance_.host.now_us();
  write_values(messages, now_us);
  stored_ = false;
  try {
    place(messages, now_us, deadline);
    // One after another: whoever sees a message sees those that go before it, so that of several
    // priorities in one call the highest is taken first.
    for (std::uint32_t p = 0; p < kPriorities; ++p) send(p, verdicts, deadline);
  } catch (const sdk::Error& e) {
    // Of a topic that was deleted librdkafka may say no more than that the time is over.
    if (e.code() == GANDER_NOT_FOUND || e.code() == GANDER_TIMEOUT)
      instance_.topics.forget(producer_.failed());
    const std::uint32_t flags =
        e.flags() | (stored_ ? std::uint32_t{GANDER_ERROR_MAYBE_APPLIED} : 0U);
    if (e.code() == GANDER_TIMEOUT && !producer_.failed().empty() &&
        instance_.topics.lacks_replicas(producer_.failed()))
      throw error_of(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, instance_.settings.where(),
                     "writing to " + producer_.failed(), {}, flags);
    throw with_flags(e, flags);
  }
  std::set<std::string_view> queues;
  for (const gander_message* m : messages) queues.insert(sdk::view(m->queue));
  for (const std::string_view queue : queues) instance_.bell.ring(queue);
}

void Writer::write_values(sdk::Messages messages, std::int64_t now_us) {
  values_.clear();
  ends_.clear();
  for (const gander_message* message : messages) {
    gander_message m = *message;
    const bool later = m.run_at_us > now_us;
    const std::string_view queue = sdk::view(m.queue);
    if (later)
      sdk::write_message(m, queue, GANDER_STATE_SCHEDULED, values_);
    else
      sdk::write_message(m, instance_.topics.names().queue_in_record(queue), 0, values_);
    ends_.push_back(values_.size());
  }
}

void Writer::place(sdk::Messages messages, std::int64_t now_us, const sdk::Deadline& deadline) {
  for (Batch& batch : batches_) batch.records.clear(), batch.places.clear();
  target_ = {};
  std::size_t begin = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const gander_message& m = *messages[i];
    const std::string_view value(values_.data() + begin, ends_[i] - begin);
    begin = ends_[i];
    if (m.run_at_us > now_us) {
      instance_.topics.need_control(deadline);
      // In memory when it is due: whoever promotes it needs its queue to be there.
      instance_.topics.need_queue(sdk::view(m.queue), deadline);
      batches_[m.priority].records.push_back({producer_.topic(instance_.topics.names().scheduled()),
                                              RD_KAFKA_PARTITION_UA, sdk::view(m.id), value});
    } else {
      place_ready(m, value, messages.size(), deadline);
    }
    batches_[m.priority].places.push_back(i);
  }
}

// Evenly over the partitions, as each of them has a worker of its own.
void Writer::place_ready(const gander_message& m, std::string_view value, std::size_t of,
                         const sdk::Deadline& deadline) {
  if (m.priority != target_.priority || sdk::view(m.queue) != target_.queue) {
    target_.queue = sdk::view(m.queue);
    target_.priority = m.priority;
    target_.partitions = instance_.topics.need_queue(target_.queue, deadline);
    target_.topic =
        producer_.topic(instance_.topics.names().ready(target_.queue, target_.priority));
  }
  Batch& batch = batches_[m.priority];
  const auto share = std::max<std::size_t>(1, of / static_cast<std::size_t>(target_.partitions));
  if (batch.records.size() % share == 0) ++turn_;
  batch.records.push_back(
      {target_.topic,
       static_cast<std::int32_t>(turn_ % static_cast<std::uint32_t>(target_.partitions)),
       {},
       value});
}

void Writer::send(std::uint32_t priority, sdk::Verdicts verdicts, const sdk::Deadline& deadline) {
  const Batch& batch = batches_[priority];
  if (batch.records.empty()) return;
  const auto results = producer_.send(batch.records, deadline);
  stored_ = stored_ || std::ranges::find(results, RD_KAFKA_RESP_ERR_NO_ERROR) != results.end();
  for (std::size_t i = 0; i < results.size(); ++i)
    verdicts[batch.places[i]] = results[i] == RD_KAFKA_RESP_ERR_NO_ERROR ? GANDER_OK
                                : results[i] == RD_KAFKA_RESP_ERR_INVALID_RECORD
                                    ? GANDER_INVALID_ARGUMENT
                                    : GANDER_TOO_LARGE;
}

}  // namespace gander::kafka
