#include "health.h"

#include <algorithm>

namespace gander::kafka {
namespace {

struct Item {
  std::uint32_t level;
  std::string name, value, advice;
};

Item brokers(const rd_kafka_metadata_t& metadata) {
  const std::string count = std::to_string(metadata.broker_cnt);
  if (metadata.broker_cnt > 1) return {GANDER_LOG_INFO, "brokers", count, ""};
  return {GANDER_LOG_WARN, "brokers", count,
          "with one broker a power cut can lose the last enqueues, as nobody else has them: run "
          "three, with the option 'replication' 3 and 'min_insync_replicas' 2"};
}

// Of our topics: partitions without a leader cannot be written, those short of replicas are at
// risk.
Item partitions(const rd_kafka_metadata_t& metadata, const std::string& prefix) {
  int all = 0, leaderless = 0, short_of = 0;
  for (int t = 0; t < metadata.topic_cnt; ++t) {
    const rd_kafka_metadata_topic& topic = metadata.topics[t];
    if (!std::string_view(topic.topic).starts_with(prefix + ".")) continue;
    for (int p = 0; p < topic.partition_cnt; ++p) {
      ++all;
      leaderless += topic.partitions[p].leader < 0 ? 1 : 0;
      short_of += topic.partitions[p].isr_cnt < topic.partitions[p].replica_cnt ? 1 : 0;
    }
  }
  if (leaderless > 0)
    return {GANDER_LOG_ERROR, "partitions",
            std::to_string(leaderless) + " of " + std::to_string(all) + " have no leader",
            "start the brokers that are down"};
  if (short_of > 0)
    return {GANDER_LOG_WARN, "partitions",
            std::to_string(short_of) + " of " + std::to_string(all) + " are short of replicas",
            "start the brokers that are down"};
  return {GANDER_LOG_INFO, "partitions", std::to_string(all), ""};
}

// Which of them have https://github.com/confluentinc/librdkafka/issues/4778.
Item client() {
  if (rd_kafka_version() < 0x02040000 || rd_kafka_version() >= 0x020a0000)
    return {GANDER_LOG_INFO, "librdkafka", rd_kafka_version_str(), ""};
  return {GANDER_LOG_WARN, "librdkafka", rd_kafka_version_str(),
          "it may crash a process that has used a topic which is deleted then: stop who uses a "
          "queue before you delete its topics, or take 2.10 or newer"};
}

}  // namespace

void report_health(Instance& instance, Log& log, const sdk::HealthVisitor& visit,
                   const sdk::Deadline& deadline) {
  const auto metadata = log.client().metadata("asking for health", deadline);
  std::vector<Item> items = {brokers(*metadata), partitions(*metadata, instance.settings.prefix),
                             client()};
  std::ranges::stable_sort(items, std::greater{}, &Item::level);
  for (const Item& item : items) {
    const gander_health_item shown{sizeof shown, item.level, sdk::str(item.name),
                                   sdk::str(item.value), sdk::str(item.advice)};
    if (!visit(shown)) return;
  }
}

}  // namespace gander::kafka
