#include "exchange.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>

namespace gander::redis {
namespace {

// What the script does with a successor: see kExchange.
const char* word_of(const gander_settle& s) {
  switch (s.op) {
    case GANDER_SETTLE_RETRY: return "retry";
    case GANDER_SETTLE_SNOOZE: return "sched";
    case GANDER_SETTLE_DEAD: return "dead";
    default: return "front";
  }
}

std::int64_t time_of(const gander_settle& s) {
  return s.op == GANDER_SETTLE_DEAD ? s.message->failed_at_us : s.message->run_at_us;
}

std::string_view queue_of(const gander_settle& s) {
  return sdk::view(s.message->queue.len != 0 ? s.message->queue : s.from_queue);
}

// What would be refused is refused before the first is settled.
void check(const gander_settle& s) {
  if (s.message == nullptr)
    throw sdk::Error(GANDER_INVALID_ARGUMENT, "exchange: a settle has no message");
  if (s.op == GANDER_SETTLE_ACK) return;
  if (s.message->priority > GANDER_PRIORITY_LOW)
    throw sdk::Error(GANDER_INVALID_ARGUMENT, "exchange: a successor has priority " +
                                                  std::to_string(s.message->priority) +
                                                  "; there are 0, 1 and 2");
}

}  // namespace

void Held::add(gander_message& delivery) {
  std::uint64_t slot = slots_.size();
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot] = {delivery.id, ++takings_, 0};
  delivery.receipt[0] = slot;
  delivery.receipt[1] = takings_;
}

bool Held::has(const gander_message& delivery) const {
  const std::uint64_t slot = delivery.receipt[0];
  return slot < slots_.size() && delivery.receipt[1] != 0 &&
         slots_[slot].taking == delivery.receipt[1] &&
         sdk::view(slots_[slot].id) == sdk::view(delivery.id);
}

bool Held::claim(const gander_message& delivery) {
  if (!has(delivery) || slots_[delivery.receipt[0]].claimed == call_) return false;
  slots_[delivery.receipt[0]].claimed = call_;
  return true;
}

void Held::remove(const gander_message& delivery) {
  if (!has(delivery)) return;
  slots_[delivery.receipt[0]].taking = 0;
  free_.push_back(delivery.receipt[0]);
}

void Exchanger::add_settles(ScriptCall& script, const sdk::Exchange& exchange) {
  script.arg(static_cast<std::int64_t>(acks_.size()));
  for (const std::size_t i : acks_) script.arg(sdk::view(exchange.settles[i]->message->id));
  script.arg(static_cast<std::int64_t>(successors_.size()));
  for (const std::size_t i : successors_) {
    const gander_settle& s = *exchange.settles[i];
    script.arg(word_of(s)).arg(static_cast<std::int64_t>(queue_no(queue_of(s))));
    script.arg(time_of(s));
    std::string bytes;
    sdk::write_message(*s.message, queue_of(s), 0, bytes);
    script.keep_arg(std::move(bytes));
  }
}

void Exchanger::read_verdicts(const ReplyView& late, const sdk::Exchange& exchange) {
  std::ranges::fill(exchange.verdicts, GANDER_LEASE_LOST);
  for (const auto* counted : {&acks_, &successors_}) {
    for (const std::size_t i : *counted) {
      exchange.verdicts[i] = GANDER_OK;
      held_.remove(*exchange.settles[i]->message);
    }
  }
  for (std::size_t i = 0; i < late.size(); ++i)
    exchange.verdicts[successors_[static_cast<std::size_t>(late[i].integer() - 1)]] =
        GANDER_LEASE_LOST;
}

// Which settles count, and the queues that are named.
void Exchanger::plan(const sdk::Exchange& exchange) {
  queues_.clear();
  acks_.clear();
  successors_.clear();
  held_.begin_call();
  for (const gander_settle* s : exchange.settles) check(*s);
  for (std::size_t i = 0; i < exchange.settles.size(); ++i) {
    const gander_settle& s = *exchange.settles[i];
    if (!held_.claim(*s.message)) continue;
    (s.op == GANDER_SETTLE_ACK ? acks_ : successors_).push_back(i);
    if (s.op != GANDER_SETTLE_ACK) queue_no(queue_of(s));
  }
  for (const gander_take* take : exchange.takes) queue_no(sdk::view(take->queue));
}

// Its number for the script, from 1.
std::size_t Exchanger::queue_no(std::string_view name) {
  const auto known = std::ranges::find(queues_, name, &QueueKeys::name);
  const auto no = static_cast<std::size_t>(known - queues_.begin()) + 1;
  if (known == queues_.end()) queues_.emplace_back(instance_.keys, name);
  return no;
}

}  // namespace gander::redis
