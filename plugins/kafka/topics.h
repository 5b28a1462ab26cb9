// The topics of queues, made when first used, and looked at once: a topic that would lose messages,
// as one whose retention deletes them, is refused by its name. [any]
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "admin.h"
#include "names.h"

namespace gander::kafka {

class Topics {
 public:
  Topics(const Settings& settings, sdk::Host host)
      : settings_(settings), host_(host), names_(settings.prefix) {}

  [[nodiscard]] const Names& names() const { return names_; }
  // Makes sure that the topics of a queue, or those of what is to come and of the dead, are there.
  // Partitions of each priority's topic.
  int need_queue(std::string_view queue, const sdk::Deadline& deadline);
  int need_control(const sdk::Deadline& deadline);
  // Whether a topic has fewer replicas in sync than it asks for, which librdkafka does not tell of
  // a message whose time ran out. False also when nobody answers.
  bool lacks_replicas(const std::string& topic);
  // Somebody deleted one: the next need_...() looks again.
  void forget();
  // Connected on first use; for the calls of operators too.
  Client& client(const sdk::Deadline& deadline);

 private:
  int need(const std::string& name, std::vector<TopicSpec> topics, const sdk::Deadline& deadline);
  void check(std::span<const TopicSpec> topics, const sdk::Deadline& deadline);
  Client& connected(const sdk::Deadline& deadline);
  [[nodiscard]] TopicSpec ready(const std::string& topic) const;
  [[nodiscard]] TopicSpec compacted(const std::string& topic) const;

  const Settings& settings_;
  sdk::Host host_;
  Names names_;
  std::mutex mutex_;
  std::unique_ptr<Client> client_;
  std::map<std::string, int, std::less<>> known_;  // partitions of what is there and of our shape
};

}  // namespace gander::kafka
