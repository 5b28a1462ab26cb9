// A producer: idempotent, acks=all. One batch of records at a time goes out and is waited for. For
// one thread at a time.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "client.h"

namespace gander::kafka {

// A record whose bytes lie in a buffer of the caller.
struct Sent {
  rd_kafka_topic_t* topic = nullptr;
  std::int32_t partition = RD_KAFKA_PARTITION_UA;  // UA: by the key
  std::string_view key, value;
};

class Producer {
 public:
  Producer(const Settings& settings, sdk::Host host, const sdk::Deadline& deadline);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // The handle of a topic, made once.
  rd_kafka_topic_t* topic(const std::string& name);
  // Returns when the cluster has all of them, with an error for each that it refused for good.
  // Throws when that is not known by the deadline, with MAYBE_APPLIED when some may be stored; then
  // this producer is of no use any more.
  std::vector<rd_kafka_resp_err_t> send(std::span<const Sent> records,
                                        const sdk::Deadline& deadline);
  // The topic that the last error was about.
  [[nodiscard]] const std::string& failed() const { return failed_; }

 private:
  bool attempt(std::span<const Sent> records, std::span<const std::size_t> which,
               std::vector<rd_kafka_resp_err_t>& results, const sdk::Deadline& deadline);
  bool attempt_all(std::span<const Sent> records, std::vector<rd_kafka_resp_err_t>& results,
                   const sdk::Deadline& deadline);
  static void on_report(rd_kafka_t* rk, const rd_kafka_message_t* message, void* opaque);

  Client client_;
  std::map<std::string, Owned<rd_kafka_topic_t>, std::less<>> topics_;
  std::string failed_;
  bool in_doubt_ = false;  // one that failed went out at some time, and may be stored
};

}  // namespace gander::kafka
