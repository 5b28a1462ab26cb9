// The topics of queues, made when first used, and looked at once: a topic that would lose messages,
// as one whose retention deletes them, is refused by its name. [any]
#pragma once

#include <map>
#include <mutex>
#include <optional>
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
  // Somebody may have deleted it: the next need_...() of what it belongs to looks again.
  void forget(std::string_view topic);
  // Connected on first use; for the calls of operators too.
  Client& client(const sdk::Deadline& deadline);

 private:
  std::vector<Admin::Partitions> make(const std::vector<TopicSpec>& topics,
                                      const sdk::Deadline& deadline);
  int need(const std::string& name, const std::vector<TopicSpec>& topics,
           const sdk::Deadline& deadline);
  void check(std::span<const TopicSpec> topics, const sdk::Deadline& deadline);
  [[nodiscard]] std::optional<int> known(std::string_view name);
  [[nodiscard]] bool belongs(std::string_view topic, const std::string& name) const;
  [[nodiscard]] TopicSpec ready(const std::string& topic) const;
  [[nodiscard]] TopicSpec compacted(const std::string& topic) const;

  const Settings& settings_;
  sdk::Host host_;
  Names names_;
  // Nobody asks the cluster under either: whoever waits for one queue must hold up no other.
  std::timed_mutex connecting_;
  std::unique_ptr<Client> client_;
  std::mutex mutex_;
  std::map<std::string, int, std::less<>> known_;  // partitions of what is there and of our shape
};

}  // namespace gander::kafka
