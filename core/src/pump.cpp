#include "pump.h"

#include <gander/log.h>

#include <algorithm>
#include <thread>

#include "backoff.h"
#include "log.h"
#include "text.h"

namespace gander {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::size_t kFlushAt = 500;
constexpr auto kFlushAfter = 2ms;
constexpr auto kBufferTime = 10ms;
constexpr std::size_t kMaxBuffer = 2000;
constexpr auto kMeasureEvery = 2ms;
constexpr std::uint64_t kMaxBytes = 64U << 20U;
constexpr auto kExchangeTimeout = 5s;
constexpr auto kStoppingTimeout = 1s;  // then a broker that is away must not hold up the end
constexpr auto kAskAgain = 50ms;       // a queue that was empty, while others are not
// An exchange of nothing, so that a lost lease is found while all threads are busy.
constexpr auto kSignOfLife = 5s;
constexpr auto kLookAnyway = 1s;  // a clock that was set cannot make it sleep longer
// A message two processes died with runs alone, so that the third crash names the culprit and
// spares what happened to run beside it. For so long others wait for that.
constexpr std::uint32_t kSuspectCrashes = 2;
constexpr auto kSuspectPatience = 30s;

bool is_suspect(const Delivery& d) { return d.message->crashes >= kSuspectCrashes; }

}  // namespace

Pump::Pump(std::shared_ptr<BrokerHandle> broker, PumpOptions options,
           std::function<void(std::uint64_t)> recovered)
    : broker_(std::move(broker)),
      options_(std::move(options)),
      recovered_(std::move(recovered)),
      plan_(options_.queues, options_.strict),
      buffer_(options_.prefetch) {}

void Pump::run() {
  Backoff backoff(50ms, 2000ms);
  for (;;) {
    const TimePoint before = last_exchange_.load();
    try {
      live();
    } catch (const std::exception& e) {
      if (backoff.tries() == 0)
        log(LogLevel::warn, std::string("worker: ") + e.what() + "; waiting for the broker");
    }
    std::unique_lock lock(mutex_);
    drop_all();
    if (stopping_) break;
    lost_ = false;
    if (last_exchange_.load() != before) {  // it worked for a while: begin again at once
      backoff.reset();
      continue;
    }
    pump_wake_.wait_for(lock, backoff.next(), [this] { return stopping_; });
    if (stopping_) break;
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  work_wake_.notify_all();
  state_wake_.notify_all();
}

// One incarnation, from its begin to the stop or the loss of its lease. Throws when it cannot
// begin.
void Pump::live() {
  const std::chrono::microseconds lease(broker_->info().lease_us);
  {
    const std::lock_guard lock(mutex_);
    ++life_;
    lost_ = tended_ = false;
    plan_.forget_empty();
    next_due_ = TimePoint::max();
    lease_ = lease;
    renewed_ = steady_clock::now();
  }
  Incarnation life(broker_, plan_.names(),
                   {[this] {
                      const std::lock_guard lock(mutex_);
                      look_again();
                    },
                    [this](const gander_tend_res& res, TimePoint began) {
                      if (res.reclaimed > 0) recovered_(res.reclaimed);
                      const std::lock_guard lock(mutex_);
                      renewed_ = began;
                      if (tended_ && res.promoted == 0 && res.reclaimed == 0) return;
                      tended_ = true;
                      look_again();
                    },
                    [this] {
                      const std::lock_guard lock(mutex_);
                      lose();
                    }});
  log(LogLevel::debug, "worker: connected", {{"broker", broker_->name()}});
  if (!serve(life)) log(LogLevel::warn, "worker: the lease was lost; beginning again");
}

// False: the lease is lost.
bool Pump::serve(Incarnation& life) {
  Backoff backoff(20ms, 2000ms);
  Round round;
  std::unique_lock lock(mutex_);
  while (wait_for_work(lock)) {
    fill(round);
    in_flight_ = true;
    const bool stopping = stopping_;
    lock.unlock();
    round.encode();
    const auto timeout = stopping ? kStoppingTimeout : kExchangeTimeout;
    const Status status = life.consume().exchange(round.settles, round.verdicts, round.takes,
                                                  kMaxBytes, timeout, round.out);
    lock.lock();
    in_flight_ = false;
    apply(round, status, life);
    if (lost_) return false;
    if (status.ok()) {
      if (backoff.tries() > 0)
        log(LogLevel::info, "worker: the broker is back", {{"broker", broker_->name()}});
      backoff.reset();
      continue;
    }
    if (abandoned_) return true;  // closing the session gives back what is still leased
    if (backoff.tries() == 0)
      log(LogLevel::warn,
          error_of(status, broker_->name(), "exchange").what() + std::string("; trying on"));
    const auto until = steady_clock::now() + backoff.next();
    pump_wake_.wait_until(lock, until, [this] { return lost_ || abandoned_; });
  }
  return !lost_;
}

// Returns with something to exchange: true; or at the end of this incarnation: false.
bool Pump::wait_for_work(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (lost_) return false;
    if (stopping_) {
      give_back_waiting();
      if (abandoned_) {
        for (auto& [thread, delivery] : running_)
          if (delivery.message != nullptr && delivery.life == life_) {
            settled_.push_back(Settlement::give_back(delivery));
            delivery.life = 0;
          }
      }
      if (settled_.empty() && (running_.empty() || abandoned_)) return false;
    }
    const auto now = steady_clock::now();
    if (now >= next_due_ || (!plan_.all_empty() && now >= ask_again_)) {
      plan_.forget_empty();
      next_due_ = TimePoint::max();
      ask_again_ = now + kAskAgain;
    }
    measure(now);
    if (due(now)) return true;
    pump_asleep_ = true;
    pump_wake_.wait_until(lock, next_look(now));
    pump_asleep_ = false;
  }
}

bool Pump::can_take() { return !quiet_ && !stopping_ && !suspect_ && !solo_ && !plan_.all_empty(); }

std::size_t Pump::room() const {
  const std::size_t held = ready_.size() + running_.size() + (suspect_ ? 1 : 0);
  const std::size_t most = options_.threads + buffer_;
  return held < most ? most - held : 0;
}

// What does not depend on the time, which an executor need not ask for: the pump wakes by itself.
bool Pump::due_at_once() {
  if (settled_.size() >= kFlushAt) return true;
  if (can_take() &&
      room() >= std::max<std::size_t>(1, std::min(kFlushAt, (options_.threads + buffer_) / 2)))
    return true;
  return !settled_.empty() && ((running_.empty() && ready_.empty()) || stopping_ || suspect_);
}

bool Pump::due(TimePoint now) {
  if (due_at_once()) return true;
  if (!quiet_ && now >= last_exchange_.load() + kSignOfLife) return true;
  return !settled_.empty() && now >= first_settled_ + kFlushAfter;
}

Pump::TimePoint Pump::next_look(TimePoint now) const {
  TimePoint at = now + kLookAnyway;
  if (!settled_.empty()) at = std::min(at, first_settled_ + kFlushAfter);
  return std::min(at, next_due_);
}

// As many as ran in the last kBufferTime, by the rate of late; halving at most, so one pause does
// not forget it.
void Pump::measure(TimePoint now) {
  if (now < measured_ + kMeasureEvery) return;
  const double seconds = std::chrono::duration<double>(now - measured_).count();
  const double window = std::chrono::duration<double>(kBufferTime).count();
  const auto ran = static_cast<std::size_t>(static_cast<double>(finished_) / seconds * window);
  buffer_ = std::clamp(std::max(ran, buffer_ / 2), options_.prefetch,
                       std::max(kMaxBuffer, options_.prefetch));
  measured_ = now;
  finished_ = 0;
}

void Pump::fill(Round& round) {
  round.clear();
  const std::size_t limit = cautious_ ? 1 : broker_->info().max_batch;
  const std::size_t n = std::min(settled_.size(), limit);
  const auto end = settled_.begin() + static_cast<std::ptrdiff_t>(n);
  round.settlements.assign(std::make_move_iterator(settled_.begin()), std::make_move_iterator(end));
  settled_.erase(settled_.begin(), end);
  round.rings = rings_;
  if (can_take() && !cautious_) round.takes = plan_.next(std::min(room(), limit));
}

void Pump::apply(Round& round, const Status& status, Incarnation& life) {
  if (status.code == GANDER_LEASE_LOST || status.reconnect() || status.maybe_applied()) {
    // What a lost reply took for us nobody would ever run: only a new incarnation hands it on.
    log(LogLevel::warn, error_of(status, broker_->name(), "exchange").what());
    return lose();
  }
  if (!status.ok()) return keep_for_later(round, status);
  if (settled_.empty()) cautious_ = false;
  last_exchange_ = steady_clock::now();
  apply_verdicts(round);
  if (lost_) return;
  apply_taken(round);
  if (plan_.all_empty() && !quiet_) life.listen();
  const bool idle = tended_ && !suspect_ && ready_.empty() && running_.empty() && settled_.empty();
  if (idle && plan_.all_empty()) {
    if (!round.takes.empty()) ++looks_;
    if (looks_ < looks_wanted_) plan_.forget_empty();
  }
  if (suspect_) work_wake_.notify_all();
  state_wake_.notify_all();
}

// One settlement that the broker will never take must not hold up the others: they go one at a
// time until that one is found. Its message stays leased until the end of this incarnation.
void Pump::keep_for_later(Round& round, const Status& status) {
  const bool hopeless = !status.retryable() && !round.settlements.empty();
  if (hopeless && round.settlements.size() == 1) {
    const gander_message& m = *round.settlements[0].delivery.message;
    log(LogLevel::error, "worker: a settlement is refused for good: " + status.text(),
        {{"queue", view(m.queue)}});
    return;
  }
  cautious_ = cautious_ || hopeless;
  settled_.insert(settled_.begin(), std::make_move_iterator(round.settlements.begin()),
                  std::make_move_iterator(round.settlements.end()));
}

void Pump::apply_verdicts(Round& round) {
  bool refused = false;
  for (std::size_t i = 0; i < round.settlements.size(); ++i) {
    if (round.verdicts[i] == GANDER_OK) continue;
    if (round.verdicts[i] == GANDER_NOT_ATTEMPTED) {
      settled_.push_back(std::move(round.settlements[i]));
      continue;
    }
    Status status;
    status.code = round.verdicts[i];
    log(LogLevel::warn, std::string("worker: a settlement had no effect: ") + status.text());
    // Refused, and leased to us still: only the end of this incarnation brings it back.
    if (status.code != GANDER_LEASE_LOST) refused = true;
  }
  if (refused) lose();
}

void Pump::apply_taken(Round& round) {
  const auto delay = std::chrono::microseconds(
      std::max<std::int64_t>(0, round.out.next_due_us - broker_->clock().now_us()));
  if (round.out.next_due_us > 0)
    next_due_ = std::min<TimePoint>(
        next_due_,
        steady_clock::now() + std::clamp<std::chrono::microseconds>(delay, 1ms, kLookAnyway));
  const std::shared_ptr<TakenBatch>& batch = round.out.taken;
  const std::size_t n = batch ? batch->size() : 0;
  std::uint64_t bytes = 0;
  std::vector<std::size_t> got(round.takes.size());
  for (std::size_t i = 0; i < n; ++i) {
    const gander_message& m = (*batch)[i];
    bytes += m.body.len;
    for (std::size_t q = 0; q < got.size(); ++q)
      if (view(round.takes[q].queue) == view(m.queue)) ++got[q];
    accept({batch, &m, life_});
  }
  // Short means empty, unless it was full, or somebody rang meanwhile: that edge will not come
  // again.
  if (bytes < kMaxBytes / 2 && round.rings == rings_)
    for (std::size_t q = 0; q < got.size(); ++q) plan_.answered(round.takes[q], got[q]);
  if (n > 1)
    work_wake_.notify_all();
  else if (n == 1)
    work_wake_.notify_one();
}

// A suspect waits until it can run alone: until what runs has ended, and all else in hand has gone
// back.
void Pump::accept(Delivery delivery) {
  if (!is_suspect(delivery)) {
    ready_.push_back(std::move(delivery));
  } else if (!suspect_ && !solo_) {
    suspect_ = std::move(delivery);
    suspect_since_ = steady_clock::now();
  } else {
    settled_.push_back(Settlement::give_back(std::move(delivery)));
  }
  if (suspect_) give_back_ready();
}

void Pump::look_again() {
  ++rings_;
  plan_.forget_empty();
  pump_wake_.notify_one();
}

// What is in hand belongs to others from now on.
void Pump::lose() {
  lost_ = true;
  drop_all();
  pump_wake_.notify_one();
}

// A process that was stopped and goes on does not begin what has been given to others meanwhile.
// That it was, only the broker knows; that it may have been, the clock tells.
bool Pump::lease_is_over() const {
  return lease_.count() > 0 && steady_clock::now() > renewed_ + lease_;
}

bool Pump::can_hand() const {
  if (solo_ || lost_) return false;
  if (!suspect_) return !ready_.empty();
  const bool alone = running_.empty() && settled_.empty() && !in_flight_;
  return alone || steady_clock::now() > suspect_since_ + kSuspectPatience;
}

std::optional<Delivery> Pump::next(std::optional<Settlement> finished) {
  std::unique_lock lock(mutex_);
  const auto me = std::this_thread::get_id();
  if (finished) {
    const auto mine = std::find_if(running_.begin(), running_.end(),
                                   [&](const auto& r) { return r.first == me; });
    const bool fenced =
        mine->second.life != life_;  // of an older incarnation, or given back already
    std::swap(*mine, running_.back());
    running_.pop_back();
    if (solo_) {
      solo_ = false;
      work_wake_.notify_all();
    }
    ++finished_;
    if (!fenced) {
      if (settled_.empty()) first_settled_ = steady_clock::now();
      settled_.push_back(std::move(*finished));
    }
    if (pump_asleep_ && (settled_.size() == 1 || due_at_once())) pump_wake_.notify_one();
    if (running_.empty()) state_wake_.notify_all();
  }
  if (can_hand() && lease_is_over()) lose();
  while (!can_hand() && !ended_) {
    if (suspect_)
      work_wake_.wait_for(lock, 1s);
    else
      work_wake_.wait(lock);
  }
  if (!can_hand()) return std::nullopt;
  Delivery delivery;
  if (suspect_) {
    delivery = std::move(*suspect_);
    suspect_.reset();
    solo_ = running_.empty();
  } else {
    delivery = std::move(ready_.front());
    ready_.pop_front();
  }
  running_.emplace_back(me, delivery);
  return delivery;
}

}  // namespace gander
