// What the tests do to a cluster beside the plugin: topics of any shape, records that are none of
// ours, what the group has committed. And a broker with a prefix of its own, whose topics are
// deleted with it.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../support/expectations.h"
#include "../support/server.h"

namespace gander::test {

// One question of an administrator, and its answer; throws when it is an error, or does not come.
std::shared_ptr<rd_kafka_event_t> ask(rd_kafka_t* admin,
                                      const std::function<void(rd_kafka_queue_t*)>& question);

class Cluster {
 public:
  explicit Cluster(const std::string& url);
  ~Cluster();

  // Fresh for each object: "t<digits>".
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  void create(const std::string& topic, const std::map<std::string, std::string>& config,
              int partitions = 1);
  struct Shape {
    int partitions = 0, replicas = 0;
    std::map<std::string, std::string> config;
  };
  Shape shape(const std::string& topic);
  // As kafka-topics --alter does it: to so many partitions.
  void grow(const std::string& topic, std::size_t partitions);
  void remove(const std::string& topic);
  void produce(const std::string& topic, const std::string& value, const std::string& key = "");
  // How many offsets its partitions have used, also by transactions that have not ended.
  std::int64_t written(const std::string& topic, int partitions = 1);
  // As kafka-delete-records does: what lies before the offset is gone.
  void delete_before(const std::string& topic, std::int64_t offset);
  // Of the group `prefix`, as its only speaker.
  void commit(const std::string& topic, std::int64_t offset, const std::string& metadata);
  std::pair<std::int64_t, std::string> committed(const std::string& topic);
  void forget_offsets();  // as when they have expired
  // Its state in Kafka's words, and how many members it has.
  std::pair<std::string, int> group();
  // Says for each of its members that it leaves, without their knowing.
  void expel_members();

 private:
  friend class Straggler;
  rd_kafka_t* connect(rd_kafka_type_t type, rd_kafka_conf_t* conf = rd_kafka_conf_new());

  std::string servers_, prefix_;
  rd_kafka_t* producer_;
  rd_kafka_t* reader_ = nullptr;  // of written() alone: it reads what is not committed
};

// A member of the group that holds up all who come after it, until it is gone.
class Straggler {
 public:
  Straggler(Cluster& cluster, const std::string& topic);
  ~Straggler();
  Straggler(const Straggler&) = delete;
  Straggler& operator=(const Straggler&) = delete;

 private:
  rd_kafka_t* consumer_;
};

// Of librdkafka 2.4 to 2.9 a client that knew a topic which was deleted crashes soon: it keeps a
// pointer to what it has freed (confluentinc/librdkafka#4778).
#define GANDER_REQUIRE_DELETIONS()                                         \
  if (rd_kafka_version() >= 0x02040000 && rd_kafka_version() < 0x020a0000) \
  GTEST_SKIP() << "librdkafka " << rd_kafka_version_str()                  \
               << " crashes after a topic was deleted (confluentinc/librdkafka#4778)"

// A broker on it: one partition for each topic, unless the options say otherwise.
Broker broker_on(FakeHost& host, const std::string& url, const std::string& prefix,
                 std::map<std::string, std::string> options = {});
Session consumer_on(Broker& broker, const std::string& incarnation,
                    const std::string& queue = "default");

}  // namespace gander::test
