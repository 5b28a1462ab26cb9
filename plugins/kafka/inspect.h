// inspect/1: what is in the log, read as it stands there. Nothing of it is in memory, so a list of
// what is to come or dead reads its whole topic, and get() reads until it finds.
#pragma once

#include <gander/sdk/broker.hpp>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "instance.h"
#include "log.h"

namespace gander::kafka {

class Inspector {
 public:
  Inspector(Instance& instance, Log& log) : instance_(instance), log_(log) {}

  void queues(const sdk::QueueVisitor& visit, const sdk::Deadline& deadline);
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit,
                const sdk::Deadline& deadline);
  void get(const gander_id& id, const sdk::MessageVisitor& visit, const sdk::Deadline& deadline);

  // Of what is ready or leased, `offset` says where in the log; false ends the reading.
  using LogVisitor =
      std::function<bool(const gander_message&, const Progress&, std::int64_t offset)>;
  // The partitions of one queue, or of all for an empty name.
  std::vector<Progress> progress(std::string_view queue, const sdk::Deadline& deadline);
  void read(const std::vector<Progress>& progress, const LogVisitor& visit,
            const sdk::Deadline& deadline) {
    read_queue(progress, -1, 0, visit, deadline);
  }
  struct Found {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    sdk::OwnedMessage message;
  };
  // Where those of these ids are that are ready or leased.
  sdk::IdMap<Found> find(std::span<const gander_id> ids, const sdk::Deadline& deadline);

 private:
  std::map<std::string, std::vector<std::string>> queue_topics(const sdk::Deadline& deadline);
  void list_log(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit,
                const sdk::Deadline& deadline);
  void list_kept(std::string_view queue, std::uint32_t state, std::string_view after,
                 std::uint32_t limit, const sdk::MessageVisitor& visit,
                 const sdk::Deadline& deadline);
  void read_queue(const std::vector<Progress>& progress, std::int64_t after, std::size_t from,
                  const LogVisitor& visit, const sdk::Deadline& deadline);
  void commit_ours(const sdk::Deadline& deadline);

  Instance& instance_;
  Log& log_;
};

}  // namespace gander::kafka
