#include "manage.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "outgoing.h"

namespace gander::kafka {
namespace {

// Of one transaction. What is purged is small, and to find it each call reads the topic.
constexpr std::size_t kAtOnce = 1000, kPurgeAtOnce = 10'000;

std::string new_id(const Settings& settings) {
  return settings.prefix + ".admin." + text_of(new_token());
}

std::uint32_t applied(bool some) { return some ? std::uint32_t{GANDER_ERROR_MAYBE_APPLIED} : 0U; }

}  // namespace

Manager::Manager(Instance& instance, Log& log, Inspector& inspector)
    : instance_(instance),
      log_(log),
      inspector_(inspector),
      transactions_(instance.settings, instance.host, new_id(instance.settings)),
      asker_(instance, log, transactions_) {}

void Manager::write(std::vector<Outgoing>& records, const sdk::Deadline& deadline) {
  if (records.empty()) return;
  transactions_.run(records, nullptr, nullptr, deadline);
  records.clear();
}

void Manager::pause(std::string_view queue, bool paused, const sdk::Deadline& deadline) {
  instance_.topics.need_control(deadline);
  Outgoing mark{instance_.topics.names().state(), 0, std::string(queue), std::nullopt};
  const std::int64_t from = log_.end_of(mark.topic, deadline);
  if (paused) mark.value = "paused";
  std::vector<Outgoing> records{std::move(mark)};
  write(records, deadline);
  if (const auto member = instance_.member()) {
    const std::lock_guard lock(member->mutex());
    member->stock().pause(queue, paused);
  }
  if (!paused) return instance_.bell.ring(queue);
  if (const std::size_t n = asker_.await_readers(queue, from, deadline))
    throw sdk::Error(GANDER_TIMEOUT,
                     instance_.settings.where() + ": '" + std::string(queue) + "' is paused, but " +
                         std::to_string(n) +
                         " of the group's members did not say in time that they know; one that "
                         "hangs may take from it until it hears or its lease is over; try again",
                     GANDER_ERROR_RETRYABLE);
}

std::uint64_t Manager::purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                             const sdk::Deadline& deadline) {
  if (state == GANDER_STATE_READY) return purge_ready(queue, before_us, deadline);
  const Names& names = instance_.topics.names();
  const std::string topic = state == GANDER_STATE_DEAD ? names.dead() : names.scheduled();
  std::vector<Outgoing> records;
  std::uint64_t n = 0;
  const auto write_all = [&] {
    const std::size_t more = records.size();
    try {
      write(records, deadline);
    } catch (const sdk::Error& e) {
      if (n == 0 || e.code() != GANDER_TIMEOUT) throw with_flags(e, e.flags() | applied(n > 0));
      throw sdk::PartlyDone(n, std::string("purge: cut short by the deadline: ") + e.what());
    }
    n += more;
  };
  for (const auto& [id, m] : log_.read_compacted(topic, deadline)) {
    const std::int64_t at = state == GANDER_STATE_DEAD ? m.failed_at_us : m.enqueued_at_us;
    const bool chosen = m.state == state && (queue.empty() || sdk::view(m.queue) == queue) &&
                        (before_us == 0 || at < before_us);
    if (!chosen) continue;
    if (deadline.passed()) throw sdk::PartlyDone(n, "purge: cut short by the deadline");
    records.push_back(tombstone(topic, id, m.partition));
    if (records.size() >= kPurgeAtOnce) write_all();
  }
  write_all();
  return n;
}

// What is to be written for a move, `state` being where it is now.
Outgoing Manager::moved(const gander_move_req& request, const gander_message& from,
                        std::uint32_t state, const sdk::Deadline& deadline) {
  const Names& names = instance_.topics.names();
  gander_message m = from;
  if (request.to_queue.len != 0) m.queue = request.to_queue;
  if ((request.flags & GANDER_MOVE_RESET_COUNTERS) != 0)
    m.attempts = m.crashes = 0, m.failed_at_us = m.first_failed_at_us = 0;
  instance_.topics.need_queue(sdk::view(m.queue), deadline);
  if (request.to_state == GANDER_STATE_DEAD) {
    m.note = request.note;
    m.state = GANDER_STATE_DEAD;
    if (state != GANDER_STATE_DEAD) m.failed_at_us = instance_.host.now_us();
    return kept_record(names.dead(), m);
  }
  // What is to be ready is due at once: whoever owns that part of what is to come promotes it, so
  // that it cannot become ready twice.
  m.run_at_us =
      request.to_state == GANDER_STATE_READY ? instance_.host.now_us() : request.run_at_us;
  m.state = GANDER_STATE_SCHEDULED;
  return kept_record(names.scheduled(), m);
}

void Manager::move(const gander_move_req& request, sdk::Verdicts verdicts,
                   const sdk::Deadline& deadline) {
  change(
      {request.ids, request.count}, verdicts,
      [&](const gander_message& m, std::uint32_t state) -> std::optional<Outgoing> {
        return moved(request, m, state, deadline);
      },
      deadline);
}

void Manager::remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
                     const sdk::Deadline& deadline) {
  change(
      ids, verdicts, [](const gander_message&, std::uint32_t) { return std::nullopt; }, deadline);
}

// Each is in one of three places. What is dead is changed here; what is to come and what is ready,
// where its partition is owned.
void Manager::change(std::span<const gander_id> ids, sdk::Verdicts verdicts,
                     const SuccessorOf& successor_of, const sdk::Deadline& deadline) {
  const Names& names = instance_.topics.names();
  const Log::Kept dead = log_.read_compacted(names.dead(), deadline);
  const Log::Kept later = log_.read_compacted(names.scheduled(), deadline);
  std::vector<Outgoing> records;
  std::vector<Removal> removals;
  std::vector<std::size_t> asked, others;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    verdicts[i] = GANDER_OK;
    if (const auto it = dead.find(ids[i]); it != dead.end()) {
      auto successor = successor_of(it->second, GANDER_STATE_DEAD);
      // Under the same key of the same partition the successor takes its place.
      const bool in_place = successor && successor->topic == names.dead();
      if (in_place) successor->partition = it->second.partition;
      if (successor) records.push_back(*std::move(successor));
      if (!in_place) records.push_back(tombstone(names.dead(), ids[i], it->second.partition));
    } else if (const auto entry = later.find(ids[i]); entry != later.end()) {
      const KeptMessage& at = entry->second;
      auto successor = successor_of(at, at.state);
      if (!successor) successor = tombstone(names.scheduled(), ids[i], at.partition);
      if (successor->topic == names.scheduled()) successor->partition = at.partition;
      removals.push_back(
          {names.scheduled(), at.partition, at.offset, at.offset + 1, *std::move(successor)});
      asked.push_back(i);
    } else {
      others.push_back(i);
    }
  }
  bool some = !records.empty();
  write(records, deadline);
  try {
    const std::vector<Removed> removed = asker_.ask(removals, deadline);
    some = some || !removals.empty();
    for (std::size_t i = 0; i < removed.size(); ++i)
      if (removed[i].offsets.empty()) others.push_back(asked[i]);  // it has become ready meanwhile
    change_ready(ids, others, verdicts, successor_of, deadline);
  } catch (const sdk::Error& e) {
    throw with_flags(e, e.flags() | applied(some));
  }
}

void Manager::change_ready(std::span<const gander_id> ids, const std::vector<std::size_t>& places,
                           sdk::Verdicts verdicts, const SuccessorOf& successor_of,
                           const sdk::Deadline& deadline) {
  std::vector<gander_id> wanted;
  for (const std::size_t i : places) wanted.push_back(ids[i]);
  const auto found = inspector_.find(wanted, deadline);
  std::vector<Removal> removals;
  std::vector<std::size_t> asked;
  for (const std::size_t i : places) {
    const auto it = found.find(ids[i]);
    verdicts[i] = it == found.end() ? GANDER_NOT_FOUND : GANDER_INVALID_STATE;
    if (it == found.end() || it->second.message.state == GANDER_STATE_LEASED) continue;
    const auto& [topic, partition, offset, message] = it->second;
    removals.push_back(
        {topic, partition, offset, offset + 1, successor_of(message, GANDER_STATE_READY)});
    asked.push_back(i);
  }
  const std::vector<Removed> removed = asker_.ask(removals, deadline);
  for (std::size_t i = 0; i < removed.size(); ++i)
    verdicts[asked[i]] = !removed[i].offsets.empty() ? GANDER_OK
                         : removed[i].held           ? GANDER_INVALID_STATE
                                                     : GANDER_NOT_FOUND;
}

namespace {

// Throws what ends it, unless that was the time and something was read.
void read_on(Instance& instance, DeadRead& read, const sdk::Deadline& deadline) {
  Log log(instance.settings, instance.host, instance.topics, deadline);
  const std::string topic = instance.topics.names().dead();
  instance.topics.need_control(deadline);
  const int partitions = Admin(log.client()).partitions({&topic, 1}, deadline)[0].count;
  std::vector<Span> spans;
  for (std::int32_t number = 0; number < partitions; ++number) {
    const std::int64_t from =
        read.next.try_emplace(number, RD_KAFKA_OFFSET_BEGINNING).first->second;
    spans.push_back({topic, number, from, std::numeric_limits<std::int64_t>::max()});
  }
  bool any = false;
  const auto visit = [&](const rd_kafka_message_t& m) {
    any = true;
    read.next[m.partition] = m.offset + 1;
    gander_id id{};
    if (m.key_len != sizeof id.bytes) return true;
    std::memcpy(id.bytes, m.key, m.key_len);
    if (m.payload == nullptr)
      read.died_us[m.partition].erase(id);
    else if (const auto message = log.message_in(m))
      read.died_us[m.partition][id] = message->failed_at_us;
    return true;
  };
  try {
    log.read(spans, visit, deadline);
    read.all = true;
  } catch (const sdk::Error&) {
    if (!any || !deadline.passed()) throw;
  }
}

}  // namespace

std::uint64_t trim_dead(Instance& instance, DeadRead& read, const sdk::Deadline& deadline) {
  read_on(instance, read, deadline);
  if (!read.all) return 0;
  const Settings& settings = instance.settings;
  const std::string topic = instance.topics.names().dead();
  struct Death {
    std::int64_t us;
    gander_id id;
    std::int32_t partition;
  };
  std::vector<Death> oldest;
  for (const auto& [partition, died_us] : read.died_us)
    for (const auto& [id, us] : died_us) oldest.push_back({us, id, partition});
  std::ranges::sort(oldest, {}, &Death::us);
  const auto most = static_cast<std::size_t>(settings.dead_max_count);
  const std::int64_t before_us = settings.dead_max_age_s == 0
                                     ? 0
                                     : instance.host.now_us() - settings.dead_max_age_s * 1'000'000;
  std::vector<Outgoing> records;
  for (std::size_t i = 0; i < oldest.size() && records.size() < kAtOnce; ++i) {
    const bool too_many = most != 0 && oldest.size() - i > most;
    if (!too_many && oldest[i].us >= before_us) break;
    records.push_back(tombstone(topic, oldest[i].id, oldest[i].partition));
  }
  if (records.empty()) return 0;
  Transactions transactions(settings, instance.host, new_id(settings));
  transactions.run(records, nullptr, nullptr, deadline);
  return records.size();
}

}  // namespace gander::kafka
