// inspect/1: what is in the log, read as it stands there. Nothing of it is in memory, so a list of
// what is to come or dead reads its whole topic, and get() reads until it finds.
#pragma once

#include <gander/sdk/broker.hpp>
#include <map>
#include <optional>
#include <string>

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
  // READY or LEASED, when the id is in a queue's topic.
  std::optional<std::uint32_t> state_in_queues(const gander_id& id, const sdk::Deadline& deadline);

 private:
  using LogVisitor = std::function<bool(const gander_message&, const Progress&, std::int64_t)>;

  std::map<std::string, std::vector<std::string>> queue_topics(const sdk::Deadline& deadline);
  void list_log(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit,
                const sdk::Deadline& deadline);
  void list_kept(std::string_view queue, std::uint32_t state, std::string_view after,
                 std::uint32_t limit, const sdk::MessageVisitor& visit,
                 const sdk::Deadline& deadline);
  void read_queue(const std::string& queue, const std::vector<Progress>& progress,
                  std::int64_t after, std::size_t from, const LogVisitor& visit,
                  const sdk::Deadline& deadline);
  void commit_ours();

  Instance& instance_;
  Log& log_;
};

}  // namespace gander::kafka
