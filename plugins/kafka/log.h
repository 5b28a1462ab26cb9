// Reads topics without being a member of the group: what an operator looks at. For one thread at a
// time.
#pragma once

#include <functional>
#include <gander/sdk/broker.hpp>
#include <gander/sdk/message.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client.h"
#include "offsets.h"
#include "topics.h"

namespace gander::kafka {

// What of a partition is to be read: [from, to), no more than is written when the reading begins.
struct Span {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t from = 0, to = 0;
};

// A partition of a queue's topic, and what the group has committed of it.
struct Progress {
  std::string topic;
  std::int32_t partition = 0;
  Offsets offsets;
  std::int64_t end = 0;
};

// What a compacted topic holds under an id. Whoever writes that anew writes it there: by its key it
// would come elsewhere once the topic has been given more partitions, and the old would stay.
struct KeptMessage : sdk::OwnedMessage {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t written_ms = 0;
};

class Log {
 public:
  using Kept = sdk::IdMap<KeptMessage>;

  // `m` has a value, or is a tombstone; false ends the reading.
  using Visitor = std::function<bool(const rd_kafka_message_t& m)>;

  Log(const Settings& settings, sdk::Host host, Topics& topics, const sdk::Deadline& deadline);

  [[nodiscard]] Client& client() { return client_; }
  // Names of the topics that begin with the prefix.
  std::vector<std::string> topics(const sdk::Deadline& deadline);
  // Of each topic all partitions, in their order.
  std::vector<Progress> progress(const std::vector<std::string>& topics,
                                 const sdk::Deadline& deadline);
  // Of one partition of the control plane, what it will read next when it has read all.
  std::int64_t end_of(const std::string& topic, const sdk::Deadline& deadline);
  // In the order of the spans. Throws TIMEOUT at the deadline.
  void read(const std::vector<Span>& spans, const Visitor& visit, const sdk::Deadline& deadline);
  // What a record holds; nothing, and a warning with its place, when it is no message of ours.
  std::optional<gander_message> message_in(const rd_kafka_message_t& m);
  // What a compacted topic says now: the last value under each key. A tombstone says nothing of
  // another partition than its own; of two that have a value the later one's is what is returned.
  Kept read_compacted(const std::string& topic, const sdk::Deadline& deadline);
  std::vector<std::string> read_paused(const sdk::Deadline& deadline);

 private:
  rd_kafka_resp_err_t ask_group(rd_kafka_topic_partition_list_t& committed,
                                const sdk::Deadline& deadline);
  bool read_one(const Span& span, const Visitor& visit, const sdk::Deadline& deadline);
  std::int64_t written(const Span& span) const;
  void read_all(const std::string& topic, const Visitor& visit, const sdk::Deadline& deadline);

  Topics& topics_;
  Client client_;
};

}  // namespace gander::kafka
