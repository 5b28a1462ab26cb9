#include "admin.h"

#include <algorithm>
#include <array>

namespace gander::kafka {

Owned<rd_kafka_AdminOptions_t> Admin::options(rd_kafka_admin_op_t operation, int timeout_ms) {
  Owned<rd_kafka_AdminOptions_t> made(rd_kafka_AdminOptions_new(client_.get(), operation));
  std::array<char, 256> why{};
  rd_kafka_AdminOptions_set_request_timeout(made.get(), std::max(timeout_ms, 1), why.data(),
                                            why.size());
  return made;
}

Owned<rd_kafka_event_t> Admin::answer(rd_kafka_queue_t* queue, int timeout_ms, const char* doing) {
  // It answers by itself when its time is over; what is added is for the way.
  Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue, timeout_ms + 50));
  if (!event) throw client_.error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing);
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw client_.error(rd_kafka_event_error(event.get()), doing,
                        rd_kafka_event_error_string(event.get()));
  return event;
}

std::vector<Admin::Partitions> Admin::partitions(std::span<const std::string> topics,
                                                 const sdk::Deadline& deadline,
                                                 const std::string& doing) {
  std::vector<Partitions> counts;
  for (const std::string& name : topics) {
    const auto metadata = client_.metadata(doing + name, deadline, name);
    const rd_kafka_metadata_topic& found = metadata->topics[0];
    if (found.err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
      throw client_.error(found.err, doing + name);
    const std::span all(found.partitions, static_cast<std::size_t>(found.partition_cnt));
    const bool led = std::ranges::all_of(
        all, [](const rd_kafka_metadata_partition& p) { return p.leader >= 0; });
    const bool whole = found.err == RD_KAFKA_RESP_ERR_NO_ERROR && found.partition_cnt > 0 && led;
    counts.push_back({found.partition_cnt, whole});
  }
  return counts;
}

bool Admin::lacks_replicas(const std::string& name, int needed, const sdk::Deadline& deadline) {
  const auto metadata = client_.metadata("looking for " + name, deadline, name);
  const rd_kafka_metadata_topic& found = metadata->topics[0];
  const std::span all(found.partitions, static_cast<std::size_t>(found.partition_cnt));
  return std::ranges::any_of(all, [&](const rd_kafka_metadata_partition& p) {
    return p.isr_cnt < std::min(needed, p.replica_cnt);
  });
}

void Admin::create(std::span<const TopicSpec> topics, const sdk::Deadline& deadline) {
  const Settings& settings = client_.settings();
  std::vector<Owned<rd_kafka_NewTopic_t>> specs;
  std::vector<rd_kafka_NewTopic_t*> raw;
  std::array<char, 256> why{};
  for (const TopicSpec& topic : topics) {
    const int replicas = settings.replication == 0 ? -1 : settings.replication;
    specs.emplace_back(rd_kafka_NewTopic_new(
        topic.name.c_str(), topic.partitions == 0 ? settings.partitions : topic.partitions,
        replicas, why.data(), why.size()));
    if (!specs.back()) throw sdk::Error(GANDER_INTERNAL, topic.name + ": " + why.data());
    for (const auto& [key, value] : topic.config)
      rd_kafka_NewTopic_set_config(specs.back().get(), key.c_str(), value.c_str());
    raw.push_back(specs.back().get());
  }
  const int timeout = ms_left(deadline, settings.call_timeout);
  const auto with = options(RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout);
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_CreateTopics(client_.get(), raw.data(), raw.size(), with.get(), queue.get());
  const auto event = answer(queue.get(), timeout, "creating topics");
  std::size_t n = 0;
  const auto* const* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &n);
  for (const auto* result : std::span(results, n)) {
    const auto code = rd_kafka_topic_result_error(result);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
      continue;
    const char* said = rd_kafka_topic_result_error_string(result);
    throw client_.error(code,
                        std::string("creating the topic ") + rd_kafka_topic_result_name(result),
                        said == nullptr ? "" : said);
  }
}

std::vector<std::map<std::string, std::string>> Admin::configuration(
    std::span<const std::string> topics, const sdk::Deadline& deadline) {
  std::vector<Owned<rd_kafka_ConfigResource_t>> resources;
  std::vector<rd_kafka_ConfigResource_t*> raw;
  for (const std::string& topic : topics) {
    resources.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    raw.push_back(resources.back().get());
  }
  const int timeout = ms_left(deadline, client_.settings().call_timeout);
  const auto with = options(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout);
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DescribeConfigs(client_.get(), raw.data(), raw.size(), with.get(), queue.get());
  const auto event = answer(queue.get(), timeout, "reading the configuration of topics");
  std::size_t n = 0;
  const auto* const* results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &n);
  std::vector<std::map<std::string, std::string>> all(topics.size());
  for (const auto* resource : std::span(results, n)) {
    const std::string name = rd_kafka_ConfigResource_name(resource);
    const auto place = std::ranges::find(topics, name);
    if (place == topics.end() || rd_kafka_ConfigResource_error(resource) != 0) continue;
    std::size_t entries = 0;
    const auto* const* entry = rd_kafka_ConfigResource_configs(resource, &entries);
    for (const auto* one : std::span(entry, entries)) {
      const char* value = rd_kafka_ConfigEntry_value(one);
      all[static_cast<std::size_t>(place - topics.begin())][rd_kafka_ConfigEntry_name(one)] =
          value == nullptr ? "" : value;
    }
  }
  return all;
}

const GroupMember* Group::owner_of(const std::string& topic, std::int32_t partition) const {
  const auto found = std::ranges::find_if(members, [&](const GroupMember& m) {
    return m.owns.contains({topic, partition});
  });
  return found == members.end() ? nullptr : &*found;
}

Group Admin::group(const std::string& name, const sdk::Deadline& deadline) {
  const int timeout = ms_left(deadline, client_.settings().call_timeout);
  const auto with = options(RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout);
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_.get()));
  const char* raw = name.c_str();
  rd_kafka_DescribeConsumerGroups(client_.get(), &raw, 1, with.get(), queue.get());
  const std::string doing = "looking at the group " + name;
  const auto event = answer(queue.get(), timeout, doing.c_str());
  std::size_t n = 0;
  const auto* const* results = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event.get()), &n);
  Group group;
  for (const auto* found : std::span(results, n)) {
    const rd_kafka_error_t* problem = rd_kafka_ConsumerGroupDescription_error(found);
    if (rd_kafka_error_code(problem) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) continue;
    if (problem != nullptr) throw client_.error(problem, doing);
    group.stable =
        rd_kafka_ConsumerGroupDescription_state(found) == RD_KAFKA_CONSUMER_GROUP_STATE_STABLE;
    const std::size_t count = rd_kafka_ConsumerGroupDescription_member_count(found);
    for (std::size_t i = 0; i < count; ++i) {
      const auto* member = rd_kafka_ConsumerGroupDescription_member(found, i);
      const auto text = [](const char* s) { return std::string(s == nullptr ? "" : s); };
      group.members.push_back({text(rd_kafka_MemberDescription_group_instance_id(member)),
                               text(rd_kafka_MemberDescription_consumer_id(member)),
                               text(rd_kafka_MemberDescription_host(member)),
                               {}});
      const auto* assigned = rd_kafka_MemberDescription_assignment(member);
      const auto* owns =
          assigned == nullptr ? nullptr : rd_kafka_MemberAssignment_partitions(assigned);
      for (int p = 0; owns != nullptr && p < owns->cnt; ++p)
        group.members.back().owns.emplace(owns->elems[p].topic, owns->elems[p].partition);
    }
  }
  return group;
}

void Admin::delete_before(std::span<const PartitionEnd> ends, const sdk::Deadline& deadline) {
  const PartitionList list = new_list(static_cast<int>(ends.size()));
  for (const PartitionEnd& end : ends)
    rd_kafka_topic_partition_list_add(list.get(), end.topic.c_str(), end.partition)->offset =
        end.offset;
  Owned<rd_kafka_DeleteRecords_t> records(rd_kafka_DeleteRecords_new(list.get()));
  rd_kafka_DeleteRecords_t* raw = records.get();
  const int timeout = ms_left(deadline, client_.settings().call_timeout);
  const auto with = options(RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout);
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteRecords(client_.get(), &raw, 1, with.get(), queue.get());
  constexpr const char* kDoing = "deleting what has been done";
  const auto event = answer(queue.get(), timeout, kDoing);
  const auto* all =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  // Any other error passes, or the topic is gone; this one would let the log grow for ever.
  for (const auto& one : std::span(all->elems, static_cast<std::size_t>(all->cnt)))
    if (is_refusal(one.err)) throw client_.error(one.err, std::string(kDoing) + " in " + one.topic);
}

}  // namespace gander::kafka
