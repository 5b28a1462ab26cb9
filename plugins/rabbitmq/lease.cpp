#include "lease.h"

#include <algorithm>
#include <utility>

namespace gander::rabbitmq {
namespace {

constexpr std::size_t kMany = 32;
constexpr std::chrono::milliseconds kMoment{5};

}  // namespace

Lease& Ledger::add(std::uint64_t tag, Level& level, sdk::OwnedMessage message) {
  Lease& lease = leases_.emplace_hint(leases_.end(), tag, Lease{})->second;
  lease.level = &level;
  lease.message = std::move(message);
  return lease;
}

Lease* Ledger::find(std::uint64_t tag) {
  const auto it = leases_.find(tag);
  return it == leases_.end() ? nullptr : &it->second;
}

Lease* Ledger::oldest() { return leases_.empty() ? nullptr : &leases_.begin()->second; }

void Ledger::finish(std::uint64_t tag) {
  leases_.erase(tag);
  to_ack_.push_back(tag);
}

// One ack up to the last that is finished before the first that is not. True: that has moved on.
bool Ledger::ack_front(Client& client) {
  const std::uint64_t front = leases_.empty() ? UINT64_MAX : leases_.begin()->first;
  std::uint64_t last = 0;
  for (const std::uint64_t tag : to_ack_)
    if (tag < front) last = std::max(last, tag);
  if (last != 0) {
    client.ack(last, true);
    std::erase_if(to_ack_, [last](std::uint64_t tag) { return tag <= last; });
  }
  return std::exchange(front_, front) != front;
}

void Ledger::flush(Client& client) {
  flush_by_ = TimePoint::max();
  if (to_ack_.empty()) return;
  ack_front(client);
  for (const std::uint64_t tag : to_ack_) client.ack(tag, false);
  to_ack_.clear();
}

void Ledger::flush_soon(Client& client, TimePoint now) {
  const bool many = to_ack_.size() >= kMany;
  const bool moved = ack_front(client);
  if (!many || (!moved && now >= flush_by_)) return flush(client);
  if (to_ack_.empty())
    flush_by_ = TimePoint::max();
  else if (moved || flush_by_ == TimePoint::max())
    flush_by_ = now + kMoment;
}

}  // namespace gander::rabbitmq
