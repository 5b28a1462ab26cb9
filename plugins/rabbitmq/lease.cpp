#include "lease.h"

#include <algorithm>

namespace gander::rabbitmq {
namespace {

constexpr std::size_t kMany = 32;
constexpr std::chrono::milliseconds kMoment{5};

}  // namespace

Lease& Ledger::add(std::uint64_t tag, Level& level, sdk::OwnedMessage message) {
  if (leases_.empty()) first_ = tag;
  leases_.resize(tag - first_ + 1);
  Lease& lease = leases_.back();
  lease.state = Lease::State::waiting;
  lease.level = &level;
  lease.message = std::move(message);
  return lease;
}

Lease* Ledger::find(std::uint64_t tag) {
  if (tag < first_ || tag - first_ >= leases_.size()) return nullptr;
  Lease& lease = leases_[tag - first_];
  return lease.state < Lease::State::finished ? &lease : nullptr;
}

Lease* Ledger::oldest() {
  const auto open = [](const Lease& lease) { return lease.state < Lease::State::finished; };
  const auto it = std::ranges::find_if(leases_, open);
  return it == leases_.end() ? nullptr : &*it;
}

void Ledger::finish(std::uint64_t tag) {
  Lease& lease = leases_[tag - first_];
  lease.state = Lease::State::finished;
  lease.message = sdk::OwnedMessage();
  to_ack_.push_back(tag);
}

void Ledger::ack_front(Client& client) {
  std::uint64_t last_of_prefix = 0;
  while (!leases_.empty() && leases_.front().state >= Lease::State::finished) {
    // The server knows no longer what was acknowledged alone before.
    if (leases_.front().state == Lease::State::finished) last_of_prefix = first_;
    leases_.pop_front();
    ++first_;
  }
  if (last_of_prefix != 0) client.ack(last_of_prefix, true);
  std::erase_if(to_ack_, [this](std::uint64_t tag) { return tag < first_; });
}

void Ledger::flush(Client& client) {
  flush_by_ = TimePoint::max();
  if (to_ack_.empty()) return;
  ack_front(client);
  for (const std::uint64_t tag : to_ack_) {
    client.ack(tag, false);
    leases_[tag - first_].state = Lease::State::gone;
  }
  to_ack_.clear();
}

void Ledger::flush_soon(Client& client, TimePoint now) {
  const bool many = to_ack_.size() >= kMany;
  const std::uint64_t before = first_;
  ack_front(client);
  if (!many || (first_ == before && now >= flush_by_)) return flush(client);
  if (to_ack_.empty())
    flush_by_ = TimePoint::max();
  else if (first_ != before || flush_by_ == TimePoint::max())
    flush_by_ = now + kMoment;
}

}  // namespace gander::rabbitmq
