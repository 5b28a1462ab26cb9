#include "stock.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>
#include <functional>
#include <limits>

namespace gander::kafka {

Partition& Stock::assign(Partition made) {
  auto& place = partitions_[{made.topic, made.number}];
  if (place)
    std::erase_if(deliveries_,
                  [&](const auto& entry) { return entry.second.partition == place.get(); });
  place = std::make_unique<Partition>(std::move(made));
  return *place;
}

Partition& Stock::begin_anew(Partition& p) {
  Ranges all;
  all.add(0, std::numeric_limits<std::int64_t>::max());
  std::vector<Record> gone;
  withhold(p, all, gone);
  Partition made;
  made.topic = p.topic;
  made.number = p.number;
  made.queue = p.queue;
  made.priority = p.priority;
  made.dirty = made.cut_off = changed = true;
  return assign(std::move(made));
}

void Stock::park_all() {
  for (auto& [key, partition] : partitions_) {
    partition->owned = false;
    partition->blocked.clear();
  }
  // They are fetched again, here or elsewhere.
  lanes_.clear();
}

void Stock::forget_parked() {
  std::erase_if(deliveries_, [](const auto& entry) { return !entry.second.partition->owned; });
  std::erase_if(partitions_, [](const auto& entry) { return !entry.second->owned; });
}

Partition* Stock::owned(std::string_view topic, std::int32_t number) {
  Partition* found = parked(topic, number);
  return found != nullptr && found->owned ? found : nullptr;
}

Partition* Stock::parked(std::string_view topic, std::int32_t number) {
  const auto it = partitions_.find(std::pair(topic, number));
  return it == partitions_.end() ? nullptr : it->second.get();
}

bool Stock::arrive(Partition& p, std::int64_t offset, std::string_view value) {
  if (p.cut_off || offset < p.expected) return false;
  p.offsets.skip(p.expected, offset);
  p.expected = offset + 1;
  p.at_end = p.expected >= p.end;
  if (p.offsets.is_done(offset) || p.held.contains(offset)) return false;
  gander_message m{};
  try {
    m = sdk::read_message(value);
  } catch (const sdk::Error&) {
    // As a marker is: each finds that for himself, or so many would fill the metadata.
    p.offsets.skip(offset, offset + 1);
    p.dirty = changed = true;
    throw;
  }
  const Offsets::Counts more = p.offsets.counts(offset);
  m.crashes += more.crashes;
  m.give_backs += more.give_backs;
  if (m.queue.len == 0) m.queue = sdk::str(p.queue);
  Lane& to = lane(p.queue, p.priority);
  to.waiting.push_back({&p, offset, sdk::OwnedMessage(m)});
  to.bytes += m.body.len;
  return true;
}

bool Stock::any(std::string_view queue) const {
  for (std::uint32_t priority = 0; priority < kPriorities; ++priority)
    if (waits(queue, priority)) return true;
  return false;
}

bool Stock::waits(std::string_view queue, std::uint32_t priority) const {
  const auto it = lanes_.find(queue);
  if (it == lanes_.end() || paused_.contains(queue)) return false;
  const Lane& one = it->second[priority];
  return !one.waiting.empty() || roomy(one) != nullptr;
}

bool Stock::full(std::string_view queue, std::uint32_t priority) const {
  const auto it = lanes_.find(queue);
  if (it == lanes_.end()) return false;
  const Lane& one = it->second[priority];
  return one.waiting.size() + one.blocked >= kMostRecords || one.bytes >= kMostBytes;
}

// One whose blocked records may be handed out again.
Partition* Stock::roomy(const Lane& lane) {
  const auto it =
      std::ranges::find_if(lane.full, [](const Partition* p) { return p->offsets.has_room(); });
  return it == lane.full.end() ? nullptr : *it;
}

void Stock::block(Lane& lane, Record record) {
  Partition& p = *record.partition;
  const auto later = std::ranges::upper_bound(p.blocked, record.offset, {}, &Record::offset);
  p.blocked.insert(later, std::move(record));
  lane.full.insert(&p);
  ++lane.blocked;
}

// What is to be handed out next; null: nothing. What was handed out before needs no room. Of the
// rest the blocked come first: one of their partition that overtook them would count them as handed
// out, and so as crashed with a worker that never began them.
const Record* Stock::next(Lane& lane) {
  while (!lane.waiting.empty()) {
    const Record& first = lane.waiting.front();
    const Offsets& offsets = first.partition->offsets;
    if (first.offset < offsets.next()) return &first;
    if (const Partition* p = roomy(lane)) return &p->blocked.front();
    if (first.partition->blocked.empty() && offsets.has_room()) return &first;
    block(lane, std::move(lane.waiting.front()));
    lane.waiting.pop_front();
  }
  const Partition* p = roomy(lane);
  return p == nullptr ? nullptr : &p->blocked.front();
}

// What next() has just found.
Record Stock::remove(Lane& lane, const Record* found) {
  const bool waited = !lane.waiting.empty() && found == &lane.waiting.front();
  std::deque<Record>& from = waited ? lane.waiting : found->partition->blocked;
  Record record = std::move(from.front());
  from.pop_front();
  lane.bytes -= record.message.body.len;
  if (waited) return record;
  --lane.blocked;
  if (from.empty()) lane.full.erase(record.partition);
  return record;
}

void Stock::hand_out(Record record, const std::string& incarnation, sdk::Batch& batch) {
  Partition& p = *record.partition;
  p.offsets.hand_out(record.offset);
  p.held.insert(record.offset);
  p.dirty = handed_out = true;
  commit_first = commit_first || p.careful;
  record.message.receipt[0] = ++receipt_;
  batch.add(record.message);
  deliveries_.emplace(receipt_, Delivery{std::move(record), incarnation});
}

void Stock::take(const gander_take& take, std::uint64_t max_bytes, const std::string& incarnation,
                 sdk::Batch& batch) {
  const auto it = lanes_.find(sdk::view(take.queue));
  if (it == lanes_.end() || paused_.contains(it->first)) return;
  std::uint32_t left = take.max_messages;
  for (Lane& one : it->second) {
    for (; left > 0; --left) {
      const Record* record = next(one);
      if (record == nullptr) break;
      const std::size_t size = record->message.body.len;
      if (max_bytes != 0 && batch.size() != 0 && batch.body_bytes() + size > max_bytes) return;
      hand_out(remove(one, record), incarnation, batch);
    }
  }
}

Delivery* Stock::find(const gander_message& m, std::string_view incarnation) {
  const auto it = deliveries_.find(m.receipt[0]);
  if (it == deliveries_.end() || it->second.incarnation != incarnation) return nullptr;
  return sdk::IdEqual()(it->second.message.id, m.id) ? &it->second : nullptr;
}

const std::string* Stock::finish(const Delivery& delivery) {
  Partition& p = *delivery.partition;
  p.held.erase(delivery.offset);
  p.offsets.finish(delivery.offset);
  p.careful = false;
  p.dirty = changed = true;
  deliveries_.erase(delivery.message.receipt[0]);
  return !p.blocked.empty() && p.offsets.has_room() ? &p.queue : nullptr;
}

void Stock::to_front(Record record) {
  if (!record.partition->owned) return;  // whoever owns it next fetches it
  Lane& to = lane(record.partition->queue, record.partition->priority);
  to.bytes += record.message.body.len;
  to.waiting.push_front(std::move(record));
}

void Stock::give_back(const Delivery& delivery, const gander_message& m) {
  const std::uint64_t receipt = delivery.message.receipt[0];
  Partition& p = *delivery.partition;
  p.held.erase(delivery.offset);
  p.offsets.give_back(delivery.offset, {m.crashes - delivery.message.crashes,
                                        m.give_backs - delivery.message.give_backs});
  p.dirty = changed = true;
  Record record{&p, delivery.offset, sdk::OwnedMessage(m)};
  deliveries_.erase(receipt);
  to_front(std::move(record));
}

void Stock::take_back(std::uint64_t after, std::size_t count) {
  for (std::uint64_t receipt = after + count; receipt > after; --receipt)
    if (const auto it = deliveries_.find(receipt); it != deliveries_.end())
      give_back(it->second, it->second.message);
}

// Soon, and of no weight if it is not.
void Stock::note_idle(std::string_view queue, bool idle) {
  if (is_idle(queue) == idle) return;
  if (idle)
    idle_.emplace(queue);
  else
    idle_.erase(idle_.find(queue));
  each_owned([&](Partition& p) {
    if (p.queue == queue) p.dirty = handed_out = true;
  });
}

std::vector<Record> Stock::remove_last(std::string_view queue, std::uint32_t priority,
                                       std::size_t most, std::size_t most_bytes) {
  std::vector<Record> removed;
  std::size_t bytes = 0;
  const auto it = lanes_.find(queue);
  if (it == lanes_.end()) return removed;
  Lane& from = it->second[priority];
  while (removed.size() < most && !from.waiting.empty()) {
    const Record& last = from.waiting.back();
    if (!last.partition->offsets.can_remove(last.offset, last.offset + 1)) break;
    const std::size_t size = last.message.body.len;
    bytes += size;
    if (!removed.empty() && bytes > most_bytes) break;
    from.bytes -= size;
    removed.push_back(std::move(from.waiting.back()));
    from.waiting.pop_back();
  }
  return removed;
}

void Stock::withhold(Partition& partition, const Ranges& offsets, std::vector<Record>& removed) {
  if (offsets.empty()) return;
  Lane& from = lane(partition.queue, partition.priority);
  const auto move_from = [&](std::deque<Record>& records) {
    const auto wanted = [&](const Record& one) {
      return one.partition == &partition && offsets.contains(one.offset);
    };
    const auto stays = std::stable_partition(records.begin(), records.end(), std::not_fn(wanted));
    const auto n = static_cast<std::size_t>(records.end() - stays);
    for (auto it = stays; it != records.end(); ++it) {
      from.bytes -= it->message.body.len;
      removed.push_back(std::move(*it));
    }
    records.erase(stays, records.end());
    return n;
  };
  move_from(from.waiting);
  from.blocked -= move_from(partition.blocked);
  if (partition.blocked.empty()) from.full.erase(&partition);
}

// Before those of its partition that came after it: what lies below one that is handed out counts
// as handed out.
void Stock::put_back(Record record) {
  if (!record.partition->owned) return;  // whoever owns it next fetches it
  Lane& to = lane(record.partition->queue, record.partition->priority);
  to.bytes += record.message.body.len;
  const auto later = std::ranges::find_if(to.waiting, [&](const Record& one) {
    return one.partition == record.partition && one.offset > record.offset;
  });
  to.waiting.insert(later, std::move(record));
}

std::size_t Stock::give_back_all(std::string_view incarnation, Offsets::Counts more,
                                 std::vector<std::string>& queues) {
  std::vector<std::uint64_t> receipts;
  for (const auto& [receipt, delivery] : deliveries_)
    if (delivery.incarnation == incarnation) receipts.push_back(receipt);
  // The one handed out first ends in front.
  std::ranges::sort(receipts, std::greater{});
  for (const std::uint64_t receipt : receipts) {
    const Delivery& delivery = deliveries_.at(receipt);
    gander_message m = static_cast<const gander_message&>(delivery.message);
    m.crashes += more.crashes;
    m.give_backs += more.give_backs;
    queues.push_back(delivery.partition->queue);
    give_back(delivery, m);
  }
  return receipts.size();
}

void Stock::pause(std::string_view queue, bool paused) {
  if (paused)
    paused_.emplace(queue);
  else if (const auto it = paused_.find(queue); it != paused_.end())
    paused_.erase(it);
}

}  // namespace gander::kafka
