#include "topics.h"

#include <algorithm>
#include <thread>

namespace gander::kafka {
namespace {

const std::string kControl;  // no queue has an empty name
const std::string kWaiting = "waiting for the new topic ";

// Within what a call may be late.
constexpr std::chrono::microseconds kDiagnosis{60'000};

// A record is its body and what stands before it; the broker counts its batch as well.
constexpr std::uint64_t kAroundBody = 16'384;
constexpr std::uint64_t kUsualLimit = 1'048'588;

}  // namespace

TopicSpec Topics::ready(const std::string& topic) const {
  TopicSpec spec{topic,
                 {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}};
  spec.config["max.message.bytes"] =
      std::to_string(std::max(kUsualLimit, settings_.max_body + kAroundBody));
  if (settings_.min_insync_replicas > 0)
    spec.config["min.insync.replicas"] = std::to_string(settings_.min_insync_replicas);
  return spec;
}

TopicSpec Topics::compacted(const std::string& topic) const {
  TopicSpec spec = ready(topic);
  spec.config["cleanup.policy"] = "compact";
  spec.config["min.cleanable.dirty.ratio"] = "0.1";
  spec.config["segment.ms"] = "3600000";
  return spec;
}

int Topics::need_queue(std::string_view queue, const sdk::Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  if (const auto it = known_.find(queue); it != known_.end()) return it->second;
  std::vector<TopicSpec> topics;
  for (std::uint32_t p = 0; p < kPriorities; ++p) topics.push_back(ready(names_.ready(queue, p)));
  return need(std::string(queue), std::move(topics), deadline);
}

int Topics::need_control(const sdk::Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  if (const auto it = known_.find(kControl); it != known_.end()) return it->second;
  TopicSpec state = compacted(names_.state());
  state.partitions = 1;
  return need(kControl, {compacted(names_.scheduled()), compacted(names_.dead()), state}, deadline);
}

void Topics::forget() {
  const std::lock_guard lock(mutex_);
  known_.clear();
}

bool Topics::lacks_replicas(const std::string& topic) {
  const sdk::Deadline deadline = after(kDiagnosis);
  try {
    Admin admin(client(deadline));
    const auto config = admin.configuration(std::span(&topic, 1), deadline).front();
    const auto needed = config.find("min.insync.replicas");
    return needed != config.end() &&
           admin.lacks_replicas(topic, std::stoi(needed->second), deadline);
  } catch (const std::exception&) {
    return false;  // then the cluster is away, as the error says that led here
  }
}

Client& Topics::client(const sdk::Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  return connected(deadline);
}

Client& Topics::connected(const sdk::Deadline& deadline) {
  if (!client_) {
    auto made = std::make_unique<Client>(RD_KAFKA_PRODUCER, Config(settings_), settings_, host_);
    made->connect(deadline);
    client_ = std::move(made);
  }
  return *client_;
}

int Topics::need(const std::string& name, std::vector<TopicSpec> topics,
                 const sdk::Deadline& deadline) {
  Admin admin(connected(deadline));
  std::vector<std::string> wanted;
  for (const TopicSpec& topic : topics) wanted.push_back(topic.name);
  std::vector<int> counts = admin.partitions(wanted, deadline);
  bool created = false;
  while (std::ranges::find(counts, 0) != counts.end()) {
    if (!settings_.create_topics)
      throw error_of(
          RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, settings_.where(),
          "the topic " +
              wanted[static_cast<std::size_t>(std::ranges::find(counts, 0) - counts.begin())]);
    if (deadline.passed())
      throw error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, settings_.where(), kWaiting + wanted.front());
    if (!created) admin.create(topics, deadline);
    if (created) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    created = true;
    counts = admin.partitions(wanted, deadline, kWaiting);
  }
  for (std::size_t i = 0; i < topics.size(); ++i)
    if (topics[i].partitions != 0 && counts[i] > topics[i].partitions)
      throw sdk::Error(GANDER_CONFIG,
                       settings_.where() + ": the topic " + wanted[i] + " has " +
                           std::to_string(counts[i]) +
                           " partitions, of which only the first would be read; delete it, so that "
                           "it is made anew with one, or take another 'prefix'");
  check(topics, deadline);
  return known_[name] = *std::ranges::min_element(counts);
}

void Topics::check(std::span<const TopicSpec> topics, const sdk::Deadline& deadline) {
  std::vector<std::string> names;
  for (const TopicSpec& topic : topics) names.push_back(topic.name);
  const auto found = Admin(*client_).configuration(names, deadline);
  for (std::size_t i = 0; i < topics.size(); ++i) {
    for (const char* key : {"cleanup.policy", "retention.ms", "retention.bytes"}) {
      const auto is = found[i].find(key);
      const std::string& want = topics[i].config.at(key);
      if (is == found[i].end() || is->second == want) continue;  // may not look: let be
      // What is compacted is kept whatever its retention says.
      if (topics[i].config.at("cleanup.policy") == "compact" &&
          std::string_view(key) != "cleanup.policy")
        continue;
      throw sdk::Error(GANDER_CONFIG, settings_.where() + ": the topic " + names[i] + " has " +
                                          key + "=" + is->second +
                                          " and would lose messages; set it to " + want +
                                          ", or take another 'prefix'");
    }
  }
}

}  // namespace gander::kafka
