#include "cluster.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "../support/tcp_client.h"

namespace gander::test {
namespace {

constexpr int kPatienceMs = 20'000;

void must(rd_kafka_resp_err_t code, const char* what) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(std::string(what) + ": " + rd_kafka_err2str(code));
}

std::string fresh_prefix() {
  static int serial = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return "t" + std::to_string(now) + std::to_string(getpid()) + std::to_string(++serial);
}

using List = std::unique_ptr<rd_kafka_topic_partition_list_t,
                             decltype(&rd_kafka_topic_partition_list_destroy)>;
List list_of(const std::string& topic) {
  List list(rd_kafka_topic_partition_list_new(1), rd_kafka_topic_partition_list_destroy);
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0);
  return list;
}

}  // namespace

std::shared_ptr<rd_kafka_event_t> ask(rd_kafka_t* admin,
                                      const std::function<void(rd_kafka_queue_t*)>& question) {
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin);
  question(queue);
  std::shared_ptr<rd_kafka_event_t> answer(rd_kafka_queue_poll(queue, kPatienceMs),
                                           rd_kafka_event_destroy);
  rd_kafka_queue_destroy(queue);
  if (!answer || rd_kafka_event_error(answer.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(std::string("asking as an administrator: ") +
                             (answer ? rd_kafka_event_error_string(answer.get()) : "no answer"));
  return answer;
}

Cluster::Cluster(const std::string& url)
    : servers_(url.substr(url.find("://") + 3)),
      prefix_(fresh_prefix()),
      producer_(connect(RD_KAFKA_PRODUCER)) {}

Cluster::~Cluster() {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(producer_, 1, nullptr, &metadata, 2000) == 0) {
    for (int i = 0; i < metadata->topic_cnt; ++i)
      if (std::string_view(metadata->topics[i].topic).starts_with(prefix_ + "."))
        remove(metadata->topics[i].topic);
    rd_kafka_metadata_destroy(metadata);
  }
  rd_kafka_destroy(producer_);
  if (reader_ != nullptr) rd_kafka_destroy(reader_);
}

rd_kafka_t* Cluster::connect(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  rd_kafka_conf_set(conf, "bootstrap.servers", servers_.c_str(), nullptr, 0);
  if (type == RD_KAFKA_CONSUMER) rd_kafka_conf_set(conf, "group.id", prefix_.c_str(), nullptr, 0);
  return rd_kafka_new(type, conf, nullptr, 0);
}

void Cluster::create(const std::string& topic, const std::map<std::string, std::string>& config,
                     int partitions) {
  rd_kafka_NewTopic_t* spec = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, nullptr, 0);
  for (const auto& [key, value] : config)
    rd_kafka_NewTopic_set_config(spec, key.c_str(), value.c_str());
  ask(producer_,
      [&](rd_kafka_queue_t* queue) { rd_kafka_CreateTopics(producer_, &spec, 1, nullptr, queue); });
  rd_kafka_NewTopic_destroy(spec);
}

Cluster::Shape Cluster::shape(const std::string& topic) {
  Shape shape;
  rd_kafka_topic_t* one = rd_kafka_topic_new(producer_, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  must(rd_kafka_metadata(producer_, 0, one, &metadata, kPatienceMs), "shape");
  shape.partitions = metadata->topics[0].partition_cnt;
  if (shape.partitions > 0) shape.replicas = metadata->topics[0].partitions[0].replica_cnt;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(one);

  rd_kafka_ConfigResource_t* of =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  const auto done = ask(producer_, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DescribeConfigs(producer_, &of, 1, nullptr, queue);
  });
  std::size_t n = 0;
  const auto* const* resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(done.get()), &n);
  std::size_t entries = 0;
  const auto* const* entry = rd_kafka_ConfigResource_configs(resources[0], &entries);
  for (std::size_t i = 0; i < entries; ++i)
    if (const char* value = rd_kafka_ConfigEntry_value(entry[i]))
      shape.config[rd_kafka_ConfigEntry_name(entry[i])] = value;
  rd_kafka_ConfigResource_destroy(of);
  return shape;
}

void Cluster::grow(const std::string& topic, std::size_t partitions) {
  rd_kafka_NewPartitions_t* spec =
      rd_kafka_NewPartitions_new(topic.c_str(), partitions, nullptr, 0);
  ask(producer_, [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreatePartitions(producer_, &spec, 1, nullptr, queue);
  });
  rd_kafka_NewPartitions_destroy(spec);
}

void Cluster::remove(const std::string& topic) {
  rd_kafka_DeleteTopic_t* spec = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(producer_);
  rd_kafka_DeleteTopics(producer_, &spec, 1, nullptr, queue);
  if (rd_kafka_event_t* done = rd_kafka_queue_poll(queue, kPatienceMs))
    rd_kafka_event_destroy(done);
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteTopic_destroy(spec);
}

void Cluster::produce(const std::string& topic, const std::string& value, const std::string& key) {
  rd_kafka_topic_t* to = rd_kafka_topic_new(producer_, topic.c_str(), nullptr);
  rd_kafka_produce(to, 0, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()), value.size(),
                   key.empty() ? nullptr : key.data(), key.size(), nullptr);
  must(rd_kafka_flush(producer_, kPatienceMs), "produce");
  rd_kafka_topic_destroy(to);
}

std::int64_t Cluster::written(const std::string& topic, int partitions) {
  if (reader_ == nullptr) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "isolation.level", "read_uncommitted", nullptr, 0);
    reader_ = connect(RD_KAFKA_CONSUMER, conf);
  }
  std::int64_t sum = 0, low = 0, high = 0;
  for (int p = 0; p < partitions; ++p, sum += high)
    must(rd_kafka_query_watermark_offsets(reader_, topic.c_str(), p, &low, &high, kPatienceMs),
         "written");
  return sum;
}

void Cluster::delete_before(const std::string& topic, std::int64_t offset) {
  const List list = list_of(topic);
  list->elems[0].offset = offset;
  rd_kafka_DeleteRecords_t* spec = rd_kafka_DeleteRecords_new(list.get());
  ask(producer_, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteRecords(producer_, &spec, 1, nullptr, queue);
  });
  rd_kafka_DeleteRecords_destroy(spec);
}

void Cluster::commit(const std::string& topic, std::int64_t offset, const std::string& metadata) {
  rd_kafka_t* consumer = connect(RD_KAFKA_CONSUMER);
  const List list = list_of(topic);
  list->elems[0].offset = offset;
  list->elems[0].metadata = strdup(metadata.c_str());
  list->elems[0].metadata_size = metadata.size();
  const auto code = rd_kafka_commit(consumer, list.get(), 0);
  rd_kafka_destroy(consumer);
  must(code, "commit");
}

std::pair<std::int64_t, std::string> Cluster::committed(const std::string& topic) {
  rd_kafka_t* consumer = connect(RD_KAFKA_CONSUMER);
  const List list = list_of(topic);
  const auto code = rd_kafka_committed(consumer, list.get(), kPatienceMs);
  rd_kafka_destroy(consumer);
  must(code, "committed");
  const rd_kafka_topic_partition_t& at = list->elems[0];
  return {at.offset, {static_cast<const char*>(at.metadata), at.metadata_size}};
}

void Cluster::forget_offsets() {
  rd_kafka_DeleteGroup_t* spec = rd_kafka_DeleteGroup_new(prefix_.c_str());
  ask(producer_,
      [&](rd_kafka_queue_t* queue) { rd_kafka_DeleteGroups(producer_, &spec, 1, nullptr, queue); });
  rd_kafka_DeleteGroup_destroy(spec);
}

std::pair<std::string, int> Cluster::group() {
  const rd_kafka_group_list* list = nullptr;
  must(rd_kafka_list_groups(producer_, prefix_.c_str(), &list, kPatienceMs), "group");
  std::pair<std::string, int> found;
  if (list->group_cnt > 0) found = {list->groups[0].state, list->groups[0].member_cnt};
  rd_kafka_group_list_destroy(list);
  return found;
}

// LeaveGroup, version 3, in the words of the protocol: no library has it for another than oneself.
//   request  = size(i32) api(i16) version(i16) number(i32) client group count(i32) {member -1(i16)}
//   client, group, member = length(i16) bytes
// https://kafka.apache.org/protocol#The_Messages_LeaveGroup
void Cluster::expel_members() {
  std::string request;
  const auto number = [&](std::int64_t value, int bytes) {
    while (bytes-- > 0) request += static_cast<char>(value >> (8 * bytes));
  };
  const auto text = [&](const std::string& value) {
    number(static_cast<std::int64_t>(value.size()), 2);
    request += value;
  };
  const rd_kafka_group_list* list = nullptr;
  must(rd_kafka_list_groups(producer_, prefix_.c_str(), &list, kPatienceMs), "group");
  const rd_kafka_group_info& group = list->groups[0];
  number(13, 2), number(3, 2), number(1, 4), text("test"), text(prefix_);
  number(group.member_cnt, 4);
  for (int i = 0; i < group.member_cnt; ++i) {
    text(group.members[i].member_id);
    number(-1, 2);
  }
  rd_kafka_group_list_destroy(list);
  const std::string body = std::exchange(request, "");
  number(static_cast<std::int64_t>(body.size()), 4);
  TcpClient line(static_cast<std::uint16_t>(std::stoi(servers_.substr(servers_.find(':') + 1))));
  line.say(request + body);
  // size(i32) number(i32) wait(i32) error(i16) count(i32) {member -1(i16) error(i16)}
  const auto size = static_cast<std::uint8_t>(line.hear(4).at(3));
  const std::string reply = line.hear(size);
  const std::string fine(2, '\0');
  if (reply.substr(8, 2) != fine || !reply.ends_with(fine))
    throw std::runtime_error("the group did not let its members go");
}

// It would join again if it were polled.
Straggler::Straggler(Cluster& cluster, const std::string& topic) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "partition.assignment.strategy", "range", nullptr, 0);
  rd_kafka_conf_set_rebalance_cb(conf, [](rd_kafka_t* rk, rd_kafka_resp_err_t code,
                                          rd_kafka_topic_partition_list_t* all, void*) {
    rd_kafka_assign(rk, code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? all : nullptr);
  });
  consumer_ = cluster.connect(RD_KAFKA_CONSUMER, conf);
  const List topics = list_of(topic);
  rd_kafka_poll_set_consumer(consumer_);
  must(rd_kafka_subscribe(consumer_, topics.get()), "subscribe");
  EXPECT_TRUE(eventually([&] {
    if (rd_kafka_message_t* m = rd_kafka_consumer_poll(consumer_, 10)) rd_kafka_message_destroy(m);
    return cluster.group() == std::pair<std::string, int>("Stable", 1);
  }));
}

Straggler::~Straggler() { rd_kafka_destroy(consumer_); }

Broker broker_on(FakeHost& host, const std::string& url, const std::string& prefix,
                 std::map<std::string, std::string> options) {
  options.insert({{"url", url}, {"prefix", prefix}, {"partitions", "1"}, {"lease_ms", "6000"}});
  return {host, options};
}

Session consumer_on(Broker& broker, const std::string& incarnation, const std::string& queue) {
  const gander_str name = str(queue);
  gander_session_opts opts{sizeof opts, GANDER_ROLE_CONSUME, str(incarnation), &name, 1};
  gander_session* session = nullptr;
  gander_error e = blank_error();
  const Call call;
  must(table().open_session(broker.raw(), &call, &opts, &session, &e), e);
  return Session(session);
}

}  // namespace gander::test
