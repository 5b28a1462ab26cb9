#include "enqueue.h"

#include <algorithm>

#include "error.h"

namespace gander::rabbitmq {

std::int64_t delay_until(std::int64_t run_at_us, std::int64_t now_us) {
  if (run_at_us <= now_us) return 0;
  return (run_at_us - now_us - 1) / 1'000'000 + 1;
}

TimePoint limit_of(const sdk::Deadline& deadline, const Settings& settings) {
  return deadline.at().value_or(std::chrono::steady_clock::now() + settings.call_timeout);
}

Enqueuer::Enqueuer(Instance& instance, const sdk::Deadline& deadline)
    : instance_(instance), publisher_(instance, "gander producer") {
  publisher_.connect(limit_of(deadline, instance.settings));
}

void Enqueuer::enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
                       const sdk::Deadline& deadline) {
  items_.clear();
  places_.clear();
  const std::int64_t now = instance_.host.now_us();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const gander_message& m = *messages[i];
    const std::int64_t delay = delay_until(m.run_at_us, now);
    if (delay > kLongestDelay) {
      // A verdict has no room for why.
      if (messages.size() == 1) throw too_late();
      verdicts[i] = GANDER_UNSUPPORTED;
      continue;
    }
    items_.push_back({&m, delay > 0 ? GANDER_STATE_SCHEDULED : GANDER_STATE_READY,
                      delay > 0 ? Outgoing::To::later : Outgoing::To::work, delay});
    places_.push_back(i);
  }
  // Before anything is sent, as an error is one of the whole call.
  for (const Outgoing& o : items_)
    if (!instance_.quorums.all_well() && instance_.quorums.away(o.part()))
      throw instance_.quorums.error(o.part());
  publisher_.publish(items_, Publisher::WhenBlocked::wait, limit_of(deadline, instance_.settings));
  std::string_view rung;
  for (std::size_t k = 0; k < items_.size(); ++k) {
    const Outgoing& o = items_[k];
    if (o.result == Outgoing::Result::unrouted)
      throw sdk::Error(GANDER_UNAVAILABLE,
                       instance_.settings.where() + ": the queue '" +
                           std::string(sdk::view(o.message->queue)) +
                           "' was deleted again and again while it was enqueued to",
                       GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED);
    if (o.result == Outgoing::Result::away) throw left_out(o);
    const bool too_large = o.result == Outgoing::Result::too_large;
    // A verdict has no room for what the server said.
    if (too_large && messages.size() == 1) throw sdk::Error(publisher_.limit());
    verdicts[places_[k]] = o.result == Outgoing::Result::stored ? GANDER_OK
                           : too_large                          ? GANDER_TOO_LARGE
                                                                : GANDER_FULL;
    const std::string_view queue = sdk::view(o.message->queue);
    if (o.to == Outgoing::To::work && queue != rung) instance_.bell.ring(rung = queue);
  }
}

sdk::Error Enqueuer::too_late() const {
  return {GANDER_UNSUPPORTED, instance_.settings.where() + ": a message can wait for " +
                                  std::to_string(kLongestDelay) +
                                  " s (8.5 years) at most; take another broker for what is due "
                                  "later, or enqueue it when the time is nearer"};
}

// What others of the call became no caller can be told then.
sdk::Error Enqueuer::left_out(const Outgoing& o) const {
  const auto stored = [](const Outgoing& each) { return each.result == Outgoing::Result::stored; };
  const sdk::Error e = instance_.quorums.error(o.part());
  const std::uint32_t maybe =
      std::ranges::any_of(items_, stored) ? std::uint32_t{GANDER_ERROR_MAYBE_APPLIED} : 0U;
  return {e.code(), e.what(), e.flags() | maybe};
}

}  // namespace gander::rabbitmq
