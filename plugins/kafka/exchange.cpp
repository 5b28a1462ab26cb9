#include "exchange.h"

#include <utility>

#include "settle.h"

namespace gander::kafka {
namespace {

// A transaction that the exchange waits for; the rest is for the next one, or for tend().
constexpr std::size_t kPromotePerExchange = 500;
constexpr std::chrono::seconds kLongestPromotion{3};

}  // namespace

Exchanger::Exchanger(Instance& instance, std::string_view incarnation, sdk::Queues queues,
                     const sdk::Deadline& deadline)
    : instance_(instance),
      incarnation_(incarnation),
      member_(instance.begin(incarnation, queues, deadline)) {}

Exchanger::~Exchanger() {
  try {
    instance_.end(*member_, incarnation_);
  } catch (const std::exception& e) {
    // Nobody is told, so the next owner of the partitions counts crashes that were none.
    instance_.host.log(GANDER_LOG_WARN, std::string("closing a session: ") + e.what());
  }
}

void Exchanger::need(sdk::Takes takes, const sdk::Deadline& deadline) {
  queues_.clear();
  for (const gander_take* take : takes) queues_.push_back(take->queue);
  member_->need(queues_, deadline);
}

// What was settled is settled, whatever becomes of this: it is tried again, here or in tend().
void Exchanger::promote(const sdk::Deadline& deadline) {
  try {
    if (member_->promote(kPromotePerExchange, within(deadline, kLongestPromotion)) > 0)
      member_->look_for_ends();
  } catch (const sdk::Error& e) {
    instance_.host.log(GANDER_LOG_DEBUG, std::string("promoting: ") + e.what());
  }
}

// What was handed out after `before` may kill this process at once, as it may have the last one:
// so it is committed before it runs, or does not run now.
void Exchanger::commit_or_take_back(sdk::Taken& taken, std::uint64_t before,
                                    const sdk::Deadline& deadline) {
  if (member_->commit_now(deadline)) return;
  const std::lock_guard lock(member_->mutex());
  member_->stock().take_back(before, taken.batch->size());
  member_->owe_commit();  // which rings when it has been answered
  taken.batch.reset();
}

sdk::Taken Exchanger::exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) {
  instance_.require(incarnation_);
  need(exchange.takes, deadline);
  std::set<std::string> rung;
  settle(instance_, *member_, incarnation_, exchange, deadline, rung);
  sdk::Taken taken;
  std::int64_t due_us = 0;
  {
    const std::lock_guard lock(member_->mutex());
    due_us = member_->due().next();
  }
  if (!exchange.takes.empty() && due_us != 0 && due_us <= instance_.host.now_us())
    promote(deadline);
  member_->wait_fetched(exchange.takes, deadline);
  bool commit_first = false;
  std::uint64_t before = 0;
  {
    const std::lock_guard lock(member_->mutex());
    before = member_->stock().last_receipt();
    auto batch = std::make_unique<sdk::Batch>();
    for (const gander_take* take : exchange.takes) {
      const std::size_t had = batch->size();
      if (member_->hands_out())
        member_->stock().take(*take, exchange.max_bytes, incarnation_, *batch);
      member_->stock().note_idle(sdk::view(take->queue),
                                 batch->size() - had < take->max_messages &&
                                     !member_->stock().any(sdk::view(take->queue)));
      if (const std::int64_t at = member_->tell_due(sdk::view(take->queue)); at != 0)
        taken.due_at(at);
    }
    if (batch->size() != 0) taken.batch = std::move(batch);
    commit_first = std::exchange(member_->stock().commit_first, false);
  }
  if (commit_first) commit_or_take_back(taken, before, deadline);
  // Not in place of verdicts, which would be lost.
  if (!taken.batch && exchange.settles.empty()) member_->require_rights();
  if (taken.batch || !exchange.settles.empty()) member_->wake();
  for (const std::string& queue : rung) instance_.bell.ring(queue);
  return taken;
}

}  // namespace gander::kafka
