#include "topics.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace gander::kafka {
namespace {

const std::string kControl;  // no queue has an empty name
const std::string kWaiting = "waiting for the topic ";
constexpr std::chrono::milliseconds kNewPause{10}, kLeaderPause{50};
// With less time left it is not looked at again, so that the error says what is missing.
constexpr std::chrono::milliseconds kLastLook{60};

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

std::optional<int> Topics::known(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(name);
  return it == known_.end() ? std::nullopt : std::optional(it->second);
}

int Topics::need_queue(std::string_view queue, const sdk::Deadline& deadline) {
  if (const auto partitions = known(queue)) return *partitions;
  std::vector<TopicSpec> topics;
  for (std::uint32_t p = 0; p < kPriorities; ++p) topics.push_back(ready(names_.ready(queue, p)));
  return need(std::string(queue), topics, within(deadline, settings_.call_timeout));
}

int Topics::need_control(const sdk::Deadline& deadline) {
  if (const auto partitions = known(kControl)) return *partitions;
  TopicSpec state = compacted(names_.state());
  state.partitions = 1;
  return need(kControl, {compacted(names_.scheduled()), compacted(names_.dead()), state},
              within(deadline, settings_.call_timeout));
}

bool Topics::belongs(std::string_view topic, const std::string& name) const {
  if (name == kControl)
    return topic == names_.scheduled() || topic == names_.dead() || topic == names_.state();
  for (std::uint32_t p = 0; p < kPriorities; ++p)
    if (topic == names_.ready(name, p)) return true;
  return false;
}

void Topics::forget(std::string_view topic) {
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [&](const auto& one) { return belongs(topic, one.first); });
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
  std::unique_lock lock(connecting_, std::defer_lock);
  const int left = ms_left(deadline, settings_.connect_timeout);
  if (!lock.try_lock_for(std::chrono::milliseconds(left)))
    throw error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, settings_.where(), "waiting for a connection");
  if (!client_) {
    auto made = std::make_unique<Client>(RD_KAFKA_PRODUCER, Config(settings_), settings_, host_);
    made->connect(deadline);
    client_ = std::move(made);
  }
  client_->hear();
  return *client_;
}

// Returns when each is there and can be written.
std::vector<Admin::Partitions> Topics::make(const std::vector<TopicSpec>& topics,
                                            const sdk::Deadline& deadline) {
  Admin admin(client(deadline));
  std::vector<std::string> wanted;
  for (const TopicSpec& topic : topics) wanted.push_back(topic.name);
  auto found = admin.partitions(wanted, deadline);
  for (bool created = false;; found = admin.partitions(wanted, deadline, kWaiting)) {
    const auto missing = std::ranges::find(found, 0, &Admin::Partitions::count);
    const bool all_there = missing == found.end();
    const auto bad = all_there ? std::ranges::find(found, false, &Admin::Partitions::led) : missing;
    if (bad == found.end()) return found;
    const std::string& first = wanted[static_cast<std::size_t>(bad - found.begin())];
    if (!all_there && !settings_.create_topics)
      throw error_of(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, settings_.where(),
                     "the topic " + first);
    if (!all_there && !std::exchange(created, true)) {
      admin.create(topics, deadline);
      continue;
    }
    if (ms_left(deadline, kLastLook) < kLastLook.count())
      throw error_of(
          all_there ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE : RD_KAFKA_RESP_ERR__TIMED_OUT,
          settings_.where(), kWaiting + first);
    std::this_thread::sleep_for(created ? kNewPause : kLeaderPause);
  }
}

int Topics::need(const std::string& name, const std::vector<TopicSpec>& topics,
                 const sdk::Deadline& deadline) {
  const auto found = make(topics, deadline);
  for (std::size_t i = 0; i < topics.size(); ++i)
    if (topics[i].partitions != 0 && found[i].count > topics[i].partitions)
      throw sdk::Error(GANDER_CONFIG,
                       settings_.where() + ": the topic " + topics[i].name + " has " +
                           std::to_string(found[i].count) +
                           " partitions, of which only the first would be read; delete it, so that "
                           "it is made anew with one, or take another 'prefix'");
  check(topics, deadline);
  const std::lock_guard lock(mutex_);
  return known_[name] = std::ranges::min(found, {}, &Admin::Partitions::count).count;
}

void Topics::check(std::span<const TopicSpec> topics, const sdk::Deadline& deadline) {
  std::vector<std::string> names;
  for (const TopicSpec& topic : topics) names.push_back(topic.name);
  const auto found = Admin(client(deadline)).configuration(names, deadline);
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
