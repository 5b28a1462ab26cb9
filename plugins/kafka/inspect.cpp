#include "inspect.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>
#include <charconv>

namespace gander::kafka {
namespace {

// Up to so many offsets of a queue are read to be counted: beyond, the markers that transactions
// leave count as messages.
constexpr std::int64_t kReadToCount = 50'000;

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4U];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string padded(std::int64_t n) {
  std::string digits = std::to_string(n);
  return std::string(digits.size() < 20 ? 20 - digits.size() : 0, '0') + digits;
}

// The place of a kept message in its list, so that texts sort as the list does.
std::string cursor_of(const gander_message& m, std::uint32_t state) {
  const std::int64_t at = state == GANDER_STATE_DEAD ? INT64_MAX - m.failed_at_us : m.run_at_us;
  return padded(at) + "/" + hex(sdk::view(m.id));
}

struct Place {
  std::size_t index = 0;  // of the partition, in its list
  std::int64_t offset = -1;
};
Place place_of(std::string_view cursor) {
  Place place;
  const std::size_t slash = cursor.find('/');
  if (slash == std::string_view::npos) return place;
  std::from_chars(cursor.data(), cursor.data() + slash, place.index);
  std::from_chars(cursor.data() + slash + 1, cursor.data() + cursor.size(), place.offset);
  return place;
}

std::uint32_t state_at(const Progress& p, std::int64_t offset) {
  return p.offsets.is_held(offset) ? GANDER_STATE_LEASED : GANDER_STATE_READY;
}

}  // namespace

// What this process has just handed out shall be seen.
void Inspector::commit_ours(const sdk::Deadline& deadline) {
  if (const auto member = instance_.member()) member->commit_now(deadline);
}

std::map<std::string, std::vector<std::string>> Inspector::queue_topics(
    const sdk::Deadline& deadline) {
  const Names& names = instance_.topics.names();
  std::map<std::string, std::vector<std::string>> all;
  for (const std::string& topic : log_.topics(deadline)) {
    const auto found = names.queue_of(topic);
    if (!found) continue;
    std::string queue = found->queue;
    if (queue.empty()) queue = topic.substr(0, topic.size() - 2);  // a hash: told by its topic
    all[queue].push_back(topic);
  }
  for (auto& [queue, topics] : all) std::ranges::sort(topics);
  return all;
}

void Inspector::read_queue(const std::vector<Progress>& progress, std::int64_t after,
                           std::size_t from, const LogVisitor& visit,
                           const sdk::Deadline& deadline) {
  for (std::size_t i = from; i < progress.size(); ++i) {
    const Progress& p = progress[i];
    // A record says so itself where its topic has but a hash.
    const std::string queue = instance_.topics.names().queue_of(p.topic)->queue;
    const std::int64_t begin = i == from ? std::max(after + 1, p.offsets.base()) : p.offsets.base();
    bool more = true;
    log_.read(
        {{p.topic, p.partition, begin, p.end}},
        [&](const rd_kafka_message_t& m) {
          if (p.offsets.is_done(m.offset) || m.payload == nullptr) return true;
          const auto read = log_.message_in(m);
          if (!read) return true;
          gander_message message = *read;
          const Offsets::Counts counts = p.offsets.counts(m.offset);
          message.crashes += counts.crashes;
          message.give_backs += counts.give_backs;
          if (message.queue.len == 0) message.queue = sdk::str(queue);
          message.state = state_at(p, m.offset);
          more = visit(message, p, m.offset);
          return more;
        },
        deadline);
    if (!more) return;
  }
}

void Inspector::queues(const sdk::QueueVisitor& visit, const sdk::Deadline& deadline) {
  commit_ours(deadline);
  const auto later = log_.read_compacted(instance_.topics.names().scheduled(), deadline);
  const auto dead = log_.read_compacted(instance_.topics.names().dead(), deadline);
  const auto paused = log_.read_paused(deadline);
  std::map<std::string, gander_queue_stat> stats;
  for (const auto& [queue, topics] : queue_topics(deadline)) {
    gander_queue_stat stat{};
    const std::vector<Progress> progress = log_.progress(topics, deadline);
    std::int64_t span = 0;
    for (const Progress& p : progress) span += p.end - p.offsets.base();
    std::string name = queue;
    if (span <= kReadToCount) {
      read(
          progress,
          [&](const gander_message& m, const Progress&, std::int64_t) {
            name = sdk::view(m.queue);
            const bool leased = m.state == GANDER_STATE_LEASED;
            ++(leased ? stat.leased : stat.ready);
            if (!leased && (stat.oldest_ready_us == 0 || m.enqueued_at_us < stat.oldest_ready_us))
              stat.oldest_ready_us = m.enqueued_at_us;
            return true;
          },
          deadline);
    } else {
      for (const Progress& p : progress) {
        stat.leased += p.offsets.held();
        stat.ready += p.end - p.offsets.base() - p.offsets.held() - p.offsets.done();
      }
      stat.oldest_ready_us = -1;
    }
    if (stat.ready + stat.leased > 0) stats[name] = stat;
  }
  for (const auto& [id, m] : later)
    ++(m.state == GANDER_STATE_RETRY ? stats[std::string(sdk::view(m.queue))].retry
                                     : stats[std::string(sdk::view(m.queue))].scheduled);
  for (const auto& [id, m] : dead) ++stats[std::string(sdk::view(m.queue))].dead;
  for (const std::string& queue : paused) stats[queue].paused = 1;
  for (auto& [queue, stat] : stats) {
    stat.struct_size = sizeof stat;
    stat.queue = sdk::str(queue);
    if (!visit(stat)) return;
  }
}

void Inspector::messages(std::string_view queue, std::uint32_t state, std::string_view after,
                         std::uint32_t limit, const sdk::MessageVisitor& visit,
                         const sdk::Deadline& deadline) {
  if (limit == 0) return;
  if (state == GANDER_STATE_READY || state == GANDER_STATE_LEASED)
    list_log(queue, state, after, limit, visit, deadline);
  else
    list_kept(queue, state, after, limit, visit, deadline);
}

std::vector<Progress> Inspector::progress(std::string_view queue, const sdk::Deadline& deadline) {
  commit_ours(deadline);
  std::vector<std::string> topics;
  for (const auto& [name, of_queue] : queue_topics(deadline))
    if (queue.empty() || of_queue.front() == instance_.topics.names().ready(queue, 0))
      topics.insert(topics.end(), of_queue.begin(), of_queue.end());
  return log_.progress(topics, deadline);
}

void Inspector::list_log(std::string_view queue, std::uint32_t state, std::string_view after,
                         std::uint32_t limit, const sdk::MessageVisitor& visit,
                         const sdk::Deadline& deadline) {
  const std::vector<Progress> progress = this->progress(queue, deadline);
  const Place from = place_of(after);
  std::uint32_t shown = 0;
  const auto show = [&](const gander_message& m, const Progress& p, std::int64_t offset) {
    if (m.state != state) return true;
    const std::string cursor = std::to_string(&p - progress.data()) + "/" + std::to_string(offset);
    return visit(m, cursor) && ++shown < limit;
  };
  read_queue(progress, from.offset, from.index, show, deadline);
}

void Inspector::list_kept(std::string_view queue, std::uint32_t state, std::string_view after,
                          std::uint32_t limit, const sdk::MessageVisitor& visit,
                          const sdk::Deadline& deadline) {
  const Names& names = instance_.topics.names();
  const auto all =
      log_.read_compacted(state == GANDER_STATE_DEAD ? names.dead() : names.scheduled(), deadline);
  std::map<std::string, const gander_message*> ordered;
  for (const auto& [id, m] : all) {
    if (m.state != state || (!queue.empty() && sdk::view(m.queue) != queue)) continue;
    std::string cursor = cursor_of(m, state);
    if (cursor > after) ordered.emplace(std::move(cursor), &m);
  }
  for (const auto& [cursor, m] : ordered)
    if (!visit(*m, cursor) || --limit == 0) return;
}

sdk::IdMap<Inspector::Found> Inspector::find(std::span<const gander_id> ids,
                                             const sdk::Deadline& deadline) {
  sdk::IdMap<Found> found;
  sdk::IdMap<bool> wanted;
  for (const gander_id& id : ids) wanted[id] = true;
  if (wanted.empty()) return found;
  const auto visit = [&](const gander_message& m, const Progress& at, std::int64_t offset) {
    if (!wanted.contains(m.id) || found.contains(m.id)) return true;
    found.emplace(m.id, Found{at.topic, at.partition, offset, sdk::OwnedMessage(m)});
    return found.size() < wanted.size();
  };
  read(progress("", deadline), visit, deadline);
  return found;
}

void Inspector::get(const gander_id& id, const sdk::MessageVisitor& visit,
                    const sdk::Deadline& deadline) {
  const Names& names = instance_.topics.names();
  for (const std::string& topic : {names.scheduled(), names.dead()}) {
    const auto all = log_.read_compacted(topic, deadline);
    if (const auto it = all.find(id); it != all.end()) {
      visit(it->second, "");
      return;
    }
  }
  const auto found = find({&id, 1}, deadline);
  if (found.empty()) throw sdk::Error(GANDER_NOT_FOUND, "there is no message of this id");
  visit(found.begin()->second.message, "");
}

}  // namespace gander::kafka
