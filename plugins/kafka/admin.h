// Calls of an administrator, each one request and its answer.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client.h"

namespace gander::kafka {

struct TopicSpec {
  std::string name;
  std::map<std::string, std::string> config;
  int partitions = 0;  // 0: as the option says
};

struct PartitionEnd {
  std::string topic;
  std::int32_t partition;
  std::int64_t offset;
};

struct GroupMember {
  std::string instance;  // group.instance.id, or empty
  std::string id, host;
  std::set<std::pair<std::string, std::int32_t>> owns;  // partitions
};

struct Group {
  bool stable = false;  // it has shared out, and is not about to anew
  std::vector<GroupMember> members;

  // Null: nobody's.
  [[nodiscard]] const GroupMember* owner_of(const std::string& topic, std::int32_t partition) const;
};

class Admin {
 public:
  explicit Admin(Client& client) : client_(client) {}

  struct Partitions {
    int count = 0;     // 0: there is no such topic
    bool led = false;  // there are some, and each has a leader
  };
  // Of each topic. `doing` and its name say in an error what was tried.
  std::vector<Partitions> partitions(std::span<const std::string> topics,
                                     const sdk::Deadline& deadline,
                                     const std::string& doing = "looking for ");
  // Whether a partition of it has fewer replicas in sync than so many, though it has them.
  bool lacks_replicas(const std::string& topic, int needed, const sdk::Deadline& deadline);
  // What exists already stays as it is.
  void create(std::span<const TopicSpec> topics, const sdk::Deadline& deadline);
  // The configuration of each topic, in the order asked for.
  std::vector<std::map<std::string, std::string>> configuration(std::span<const std::string> topics,
                                                                const sdk::Deadline& deadline);
  // Who is in a group; nobody where there is none.
  Group group(const std::string& name, const sdk::Deadline& deadline);
  // Deletes what lies before each offset.
  void delete_before(std::span<const PartitionEnd> ends, const sdk::Deadline& deadline);

 private:
  Owned<rd_kafka_AdminOptions_t> options(rd_kafka_admin_op_t operation, int timeout_ms);
  Owned<rd_kafka_event_t> answer(rd_kafka_queue_t* queue, int timeout_ms, const char* doing);

  Client& client_;
};

}  // namespace gander::kafka
