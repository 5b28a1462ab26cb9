#include "wait.h"

namespace gander::sqlite {
namespace {

// Every so often the file itself is looked at: it may have been changed by who could not ring.
constexpr std::chrono::milliseconds kBeat{1000};
// How often, when the bell of other processes cannot be heard at all.
constexpr std::chrono::milliseconds kBeatUnmapped{20};
// An interrupt that comes just before the sleep begins is seen after this.
constexpr std::chrono::milliseconds kNap{50};

}  // namespace

Waiter::Waiter(std::unique_ptr<Connection> connection, Wake& wake)
    : connection_(std::move(connection)),
      wake_(wake),
      seen_(wake.word()),
      look_at_(std::chrono::steady_clock::now() + (wake.mapped() ? kBeat : kBeatUnmapped)),
      data_version_(*connection_, "PRAGMA data_version"),
      any_ready_(*connection_, "SELECT 1 FROM ready LIMIT 1") {
  seen_version_ = version();
}

sdk::Waited Waiter::wait(const sdk::Deadline& deadline) {
  const std::chrono::nanoseconds beat = wake_.mapped() ? kBeat : kBeatUnmapped;
  for (;;) {
    const std::uint32_t word = wake_.word();
    if (interrupted_.exchange(false)) return sdk::Waited::cancelled;
    if (word != seen_) {
      // Remembered before the caller looks, so that nothing falls between.
      seen_ = word;
      return sdk::Waited::arrived;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= look_at_) {
      look_at_ = now + beat;
      if (may_hold_something()) return sdk::Waited::arrived;
    }
    if (deadline.at() && now >= *deadline.at()) return sdk::Waited::timeout;
    std::chrono::nanoseconds nap = std::min<std::chrono::nanoseconds>(kNap, look_at_ - now);
    if (deadline.at()) nap = std::min<std::chrono::nanoseconds>(nap, *deadline.at() - now);
    wake_.sleep(word, nap);
  }
}

// Wakes all that sleep, and the others go back to sleep: the word itself stays, as an interrupt is
// no arrival.
void Waiter::interrupt() noexcept {
  interrupted_.store(true);
  wake_.stir();
}

bool Waiter::may_hold_something() {
  const std::int64_t now = version();
  const bool changed = now != seen_version_;
  seen_version_ = now;
  if (!changed) return false;
  Rows rows = any_ready_.query();
  return rows.next();
}

std::int64_t Waiter::version() {
  Rows rows = data_version_.query();
  return rows.next() ? rows.integer(0) : 0;
}

}  // namespace gander::sqlite
