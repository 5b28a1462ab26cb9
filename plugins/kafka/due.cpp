#include "due.h"

#include <algorithm>
#include <cstring>

namespace gander::kafka {

std::int64_t Due::assign(std::int32_t partition) {
  Part& part = parts_[partition];
  part.owned = true;
  // Others may have promoted meanwhile.
  part.read = false;
  return part.position;
}

void Due::park_all() {
  for (auto& [number, part] : parts_) part.owned = false;
}

void Due::forget_parked() {
  std::erase_if(parts_, [this](const auto& one) {
    const Part& part = one.second;
    if (part.owned) return false;
    for (const auto& [id, entry] : part.entries) take_out_of_order(entry);
    return true;
  });
}

void Due::arrive(std::int32_t partition, std::int64_t offset, std::string_view key,
                 const gander_message* message) {
  const auto it = parts_.find(partition);
  if (it == parts_.end() || !it->second.owned) return;
  Part& part = it->second;
  part.position = offset + 1;
  Place place{{}, partition, offset};
  if (key.size() != sizeof place.id.bytes) return;
  std::memcpy(place.id.bytes, key.data(), key.size());
  if (const auto old = part.entries.find(place.id); old != part.entries.end()) {
    take_out_of_order(old->second);
    part.entries.erase(old);
  }
  if (message == nullptr) return;
  Entry& entry = part.entries[place.id];
  entry.offset = offset;
  entry.partition = partition;
  entry.message.assign(*message);
  entry.message.id = place.id;
  entry.due_us = message->run_at_us;
  put_in_order(entry);
}

void Due::reached_end(std::int32_t partition, std::int64_t offset) {
  const auto it = parts_.find(partition);
  if (it == parts_.end() || !it->second.owned) return;
  it->second.position = std::max(it->second.position, offset);
  it->second.read = true;
}

void Due::distrust() {
  for (auto& [number, part] : parts_) part.read = false;
}

std::vector<std::int32_t> Due::partitions() const {
  std::vector<std::int32_t> all;
  for (const auto& [number, part] : parts_)
    if (part.owned) all.push_back(number);
  return all;
}

std::int64_t Due::position(std::int32_t partition) const {
  const auto it = parts_.find(partition);
  return it == parts_.end() ? -1 : it->second.position;
}

bool Due::has_read(std::int32_t partition, std::int64_t to) const {
  const auto it = parts_.find(partition);
  return it != parts_.end() && it->second.owned && it->second.read && it->second.position >= to;
}

bool Due::has(const Place& place) const {
  const auto part = parts_.find(place.partition);
  if (part == parts_.end()) return false;
  const auto it = part->second.entries.find(place.id);
  return it != part->second.entries.end() && it->second.offset == place.offset;
}

std::vector<std::string> Due::queues(std::int64_t now_us) const {
  std::vector<std::string> all;
  for (const auto& [queue, order] : order_)
    if (when(queue, order) <= now_us) all.push_back(queue);
  std::ranges::sort(all);
  return all;
}

// From `at` on, which is then behind it. Of a partition that is not ours, or not read to its end,
// others may have promoted it.
const Due::Entry* Due::next_readable(Order::const_iterator& at, const Order& order,
                                     std::int64_t now_us) const {
  while (at != order.end() && at->first <= now_us) {
    const Entry* entry = (at++)->second;
    const Part& part = parts_.at(entry->partition);
    if (part.owned && part.read) return entry;
  }
  return nullptr;
}

std::vector<const Due::Entry*> Due::due(std::int64_t now_us, std::size_t most,
                                        std::size_t most_bytes) {
  std::vector<std::string> names = queues(now_us);
  std::rotate(names.begin(), std::ranges::upper_bound(names, turn_), names.end());
  if (!names.empty()) turn_ = names.front();
  std::vector<std::pair<const Order*, Order::const_iterator>> turns;
  for (const std::string& name : names) {
    const Order& order = order_.find(name)->second;
    turns.emplace_back(&order, order.begin());
  }
  std::vector<const Entry*> all;
  std::size_t bytes = 0;
  const auto enough = [&] { return all.size() >= most || bytes >= most_bytes; };
  for (bool any = true; any && !enough();) {
    any = false;
    for (auto& [order, at] : turns) {
      const Entry* entry = enough() ? nullptr : next_readable(at, *order, now_us);
      if (entry == nullptr) continue;
      all.push_back(entry);
      bytes += entry->message.body.len;
      any = true;
    }
  }
  return all;
}

void Due::put_in_order(const Entry& entry) {
  order_[sdk::view(entry.message.queue)].emplace(entry.due_us, &entry);
}

void Due::take_out_of_order(const Entry& entry) {
  const auto order = order_.find(sdk::view(entry.message.queue));
  order->second.erase({entry.due_us, &entry});
  if (order->second.empty()) order_.erase(order);
}

void Due::erase(const Place& place) {
  if (!has(place)) return;
  auto& entries = parts_.at(place.partition).entries;
  const auto it = entries.find(place.id);
  take_out_of_order(it->second);
  entries.erase(it);
}

void Due::hold_back(std::string_view queue, std::int64_t until_us) { held_back_[queue] = until_us; }

void Due::postpone(const Place& place, std::int64_t until_us) {
  if (!has(place)) return;
  Entry& entry = parts_.at(place.partition).entries.at(place.id);
  take_out_of_order(entry);
  entry.due_us = until_us;
  put_in_order(entry);
}

std::int64_t Due::when(std::string_view queue, const Order& order) const {
  const auto it = held_back_.find(queue);
  return std::max(order.begin()->first, it == held_back_.end() ? 0 : it->second);
}

std::int64_t Due::next(std::string_view queue) const {
  const auto it = order_.find(queue);
  return it == order_.end() ? 0 : when(it->first, it->second);
}

std::int64_t Due::next() const {
  std::int64_t at = 0;
  for (const auto& [queue, order] : order_)
    if (at == 0 || when(queue, order) < at) at = when(queue, order);
  return at;
}

}  // namespace gander::kafka
