#include "wait.h"

namespace gander::sqlite {
namespace {

// Every so often the file itself is looked at: it may have been changed by who could not ring.
constexpr std::chrono::milliseconds kBeat{1000};
// How often, when the bell of other processes cannot be heard at all.
constexpr std::chrono::milliseconds kBeatUnmapped{20};

}  // namespace

Waiter::Waiter(std::unique_ptr<Connection> connection, Wake& wake)
    : connection_(std::move(connection)),
      wake_(wake),
      seen_(wake.word()),
      seen_version_(0),
      data_version_(*connection_, "PRAGMA data_version") {
  file_changed();
}

sdk::Waited Waiter::wait(const sdk::Deadline& deadline) {
  const std::chrono::nanoseconds beat = wake_.mapped() ? kBeat : kBeatUnmapped;
  for (;;) {
    const std::uint32_t word = wake_.word();
    if (interrupted_.exchange(false)) return sdk::Waited::cancelled;
    if (word != seen_) {
      // What is seen is remembered before the caller looks, so that nothing falls between.
      seen_ = word;
      file_changed();
      return sdk::Waited::arrived;
    }
    if (file_changed()) return sdk::Waited::arrived;
    const auto now = std::chrono::steady_clock::now();
    if (deadline.at() && now >= *deadline.at()) return sdk::Waited::timeout;
    wake_.sleep(word, deadline.at() ? std::min(beat, *deadline.at() - now) : beat);
  }
}

// Rung, too, for the one who is just falling asleep; to all others it is a spurious wake-up.
void Waiter::interrupt() noexcept {
  interrupted_.store(true);
  wake_.ring();
}

bool Waiter::file_changed() {
  Rows rows = data_version_.query();
  const std::int64_t version = rows.next() ? rows.integer(0) : 0;
  const bool changed = version != seen_version_;
  seen_version_ = version;
  return changed;
}

}  // namespace gander::sqlite
