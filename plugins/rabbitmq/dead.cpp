#include "dead.h"

#include <algorithm>
#include <map>

#include "rows.h"

namespace gander::rabbitmq {
namespace {

// The server counts each look as a return, and drops a message at a million of them (see
// topology.cpp). So one that was looked at so often is written anew.
constexpr std::int64_t kWorn = 100'000;
constexpr std::size_t kLongestName = 200;
constexpr const char* kUnrouted = "its queue was deleted while it waited for its time";

}  // namespace

// The registry is read as any queue; what stands in it twice goes, as does what is worn.
std::vector<std::string> DeadLetters::names() {
  std::map<std::string, std::uint64_t> known;  // tags, of what is to be written anew; else 0
  visit_.read(instance_.names.registry(), [&](const Event& e) {
    if (e.body.empty() || e.body.size() > kLongestName) return true;
    const bool worn = returns_of(*e.properties) > kWorn;
    if (!known.try_emplace(std::string(e.body), worn ? e.tag : 0).second) visit_.drop(e.tag);
    return true;
  });
  std::vector<std::string> names;
  for (const auto& [name, tag] : known) {
    names.push_back(name);
    if (tag == 0) continue;
    publisher_.note_name(name, visit_.until());
    visit_.drop(tag);
  }
  return names;
}

void DeadLetters::read(std::string_view queue, const Visitor& visitor) {
  if (!queue.empty()) {
    read_dead(queue, visitor);
  } else {
    for (const std::string& name : names()) read_dead(name, visitor);
  }
  read_unrouted([&](gander_message& m, std::uint64_t tag) {
    return queue.empty() || sdk::view(m.queue) == queue ? visitor(m, tag) : Look::keep;
  });
}

void DeadLetters::read_dead(std::string_view queue, const Visitor& visitor, std::size_t ahead) {
  read_from(instance_.names.dead(address_of(queue)), queue, visitor, ahead);
}

void DeadLetters::read_unrouted(const Visitor& visitor) {
  const std::string unrouted = instance_.names.unrouted();
  read_from(unrouted, unrouted, [&](gander_message& m, std::uint64_t tag) {
    m.failed_at_us = std::max(m.failed_at_us, m.run_at_us);
    m.note = sdk::str(kUnrouted);
    return visitor(m, tag);
  });
}

void DeadLetters::read_from(const std::string& from, std::string_view queue, const Visitor& visitor,
                            std::size_t ahead) {
  const auto look_at = [&](const Event& e) {
    const sdk::OwnedMessage owned = decode(*e.properties, e.body, queue);
    auto m = static_cast<const gander_message&>(owned);
    const std::int64_t returns = returns_of(*e.properties);
    m.crashes -= static_cast<std::uint32_t>(returns);  // those were looks
    m.state = GANDER_STATE_DEAD;
    const Look look = visitor(m, e.tag);
    if (look != Look::take && returns > kWorn) worn_.push_back({sdk::OwnedMessage(m), e.tag});
    return look != Look::stop;
  };
  visit_.read(from, look_at, ahead);
  renew();
}

void DeadLetters::renew() {
  std::vector<Outgoing> items;
  for (const Worn& w : worn_) items.push_back({&w.message, GANDER_STATE_DEAD, Outgoing::To::dead});
  if (!items.empty()) publisher_.publish(items, Publisher::WhenBlocked::fail, visit_.until());
  for (std::size_t i = 0; i < items.size(); ++i)
    if (items[i].result == Outgoing::Result::stored) visit_.drop(worn_[i].tag);
  worn_.clear();
}

}  // namespace gander::rabbitmq
