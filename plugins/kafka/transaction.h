// Writes that happen together or not at all: records to any topics, and the group's commit of what
// they come from. A transaction of a process that its group has given up is refused by the cluster,
// so what it writes never shows: the fence around settles and promotions.
//
// One costs some 10 ms whatever it holds: so it is for many at once, never one for each.
#pragma once

#include <functional>
#include <future>
#include <gander/sdk/broker.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client.h"

namespace gander::kafka {

struct Outgoing {
  std::string topic;
  std::int32_t partition = RD_KAFKA_PARTITION_UA;  // UA: by the key
  std::string key;                                 // empty: none
  std::optional<std::string> value;                // none: a tombstone
};

// For one thread at a time.
class Transactions {
 public:
  Transactions(const Settings& settings, sdk::Host host, std::string id)
      : settings_(settings), host_(host), id_(std::move(id)) {}

  // `offsets` may be null: of an operator, who is no member. `still` is asked when all is written
  // and the offsets are pending; if it says no, nothing is committed.
  //
  // Throws: UNAVAILABLE and retryable, and nothing was written; with MAYBE_APPLIED when the end of
  // it is not known; TOO_LARGE, and nothing was written, when a topic refused one of the records,
  // or several as they came together.
  void run(const std::vector<Outgoing>& records, const rd_kafka_topic_partition_list_t* offsets,
           const rd_kafka_consumer_group_metadata_t* group, const sdk::Deadline& deadline,
           const std::function<bool()>& still = nullptr);

  // Whoever goes by this id and has begun before now can commit no more.
  void take_turn(const sdk::Deadline& deadline);
  // Ends one whose end is not known, one way or the other. Throws when the cluster is away.
  void resolve(const sdk::Deadline& deadline) { connect(deadline); }

 private:
  void connect(const sdk::Deadline& deadline);
  void begin(const sdk::Deadline& deadline);
  void produce(const std::vector<Outgoing>& records);
  void flush(const sdk::Deadline& deadline);
  void abort(const sdk::Deadline& deadline) noexcept;
  void part_with(std::unique_ptr<Client> old);

  const Settings& settings_;
  sdk::Host host_;
  std::string id_;
  std::unique_ptr<Client> client_;
  std::vector<std::future<void>> ending_;  // of clients that are of no use; waited for at the end
};

}  // namespace gander::kafka
