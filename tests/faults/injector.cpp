#include "injector.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <thread>

namespace gander::faults {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds kLate{5000};
// Longer than a client waits for an answer, so that it has to find out by itself.
constexpr milliseconds kHalfOpen{7000};
// Past the lease by as much as somebody else may take to notice.
constexpr milliseconds kPastLease{3000};
// With more of them at once there might be no worker left to go on.
constexpr std::size_t kMostLasting = 2;
constexpr int kGuests = 3;
constexpr seconds kStay{2};

bool lasts(Fault f) {
  return f == Fault::stop_worker || f == Fault::delay || f == Fault::half_open;
}

}  // namespace

const char* name_of(Fault f) {
  switch (f) {
    case Fault::kill_worker: return "kill_worker";
    case Fault::kill_producer: return "kill_producer";
    case Fault::kill_server: return "kill_server";
    case Fault::stop_worker: return "stop_worker";
    case Fault::cut: return "cut";
    case Fault::delay: return "delay";
    case Fault::half_open: return "half_open";
    case Fault::storm: return "storm";
  }
  return "?";
}

Deck::Deck(const Options& options, std::mt19937& random) : random_(random) {
  using enum Fault;
  round_ = {kill_worker, kill_worker, kill_worker, kill_producer};
  if (options.on_network())
    round_.insert(round_.end(), {stop_worker, cut, cut, cut, cut, delay, half_open, kill_producer});
  if (options.storm) round_.push_back(storm);
  if (!options.server.empty()) round_.insert(round_.end(), {kill_server, kill_server});
  if (options.only.empty()) return;
  std::erase_if(round_, [&](Fault f) { return name_of(f) != options.only; });
  if (round_.empty()) throw std::invalid_argument("there is no such fault here: " + options.only);
}

Fault Deck::draw(bool lasting) {
  for (;;) {
    const auto card =
        std::find_if(pile_.begin(), pile_.end(), [&](Fault f) { return lasting || !lasts(f); });
    if (card != pile_.end()) {
      const Fault drawn = *card;
      pile_.erase(card);
      return drawn;
    }
    pile_.insert(pile_.end(), round_.begin(), round_.end());
    std::shuffle(pile_.begin(), pile_.end(), random_);
  }
}

Injector::Injector(const Options& options, Load& load, const Scratch& scratch)
    : options_(options),
      load_(load),
      deck_(options, random_),
      log_(scratch.file("faults")),
      services_log_(scratch.file("services.log")) {}

void Injector::run(int faults) {
  std::uniform_real_distribution<double> gap(0.1, 1.9);
  for (int i = 0; i < faults; ++i) {
    sleep_until(Clock::now() + milliseconds(std::lround(gap(random_) * 1000 / options_.rate)));
    while (!options_.only.empty() && lasting_.size() >= kMostLasting)
      sleep_until(Clock::now() + milliseconds(100));
    load_.check_alive();
    const Fault fault = deck_.draw(lasting_.size() < kMostLasting);
    log_.add(std::to_string(now_us()) + ' ' + name_of(fault) + '\n');
    inject(fault);
    ++counts_[fault];
  }
  end_those([](const Lasting&) { return true; });
}

void Injector::inject(Fault fault) {
  const std::size_t producer = Load::kWorkers;
  switch (fault) {
    case Fault::kill_worker: return kill(any(0, producer - 1));
    case Fault::kill_producer: return kill(load_.members()[producer]);
    case Fault::kill_server: return kill_server();
    case Fault::storm: return storm();
    case Fault::stop_worker: {
      Member& worker = any(0, producer - 1);
      worker.process->freeze();
      return begin(worker, milliseconds(options_.lease_ms) + kPastLease, {},
                   [&worker] { worker.process->thaw(); });
    }
    case Fault::cut: {
      Member& victim = any(0, producer);
      disturbances_.push_back({victim.process->pid(), now_us(), now_us(), false});
      return victim.proxy->cut();
    }
    case Fault::delay: {
      Member& victim = any(0, producer);
      victim.proxy->delay(kLate);
      return begin(victim, kLate, kLate, [&victim] { victim.proxy->heal(); });
    }
    case Fault::half_open: {
      Member& victim = any(0, producer);
      victim.proxy->swallow();
      return begin(victim, kHalfOpen, {}, [&victim] { victim.proxy->heal(); });
    }
  }
}

void Injector::kill(Member& victim) {
  end_those([&](const Lasting& each) { return each.member == &victim; });
  disturbances_.push_back({victim.process->pid(), now_us(), now_us(), true});
  victim.process->kill_now();
  victim.process->start();
}

void Injector::kill_server() {
  const auto services = [this](const char* what) {
    Process script({options_.services, what, options_.server}, services_log_);
    if (script.finish() != 0)
      throw std::runtime_error("tools/services " + std::string(what) + " failed");
  };
  const std::int64_t from = now_us();
  services("kill");
  services("start");
  log_.add(std::to_string(now_us()) + " the server is back\n");
  disturbances_.push_back({0, from, now_us(), false});
}

// It does no harm to anyone: so nothing is noted that would excuse a duplicate.
void Injector::storm() {
  for (int i = 0; i < kGuests; ++i) {
    const auto guest = load_.guest();
    sleep_until(Clock::now() + kStay);
    stop(*guest, "a guest");
    sleep_until(Clock::now() + kStay);
  }
}

void Injector::begin(Member& member, Clock::duration length, std::chrono::microseconds aftermath,
                     std::function<void()> undo) {
  member.disturbed = true;
  lasting_.push_back(
      {&member, disturbances_.size(), Clock::now() + length, aftermath, std::move(undo)});
  disturbances_.push_back({member.process->pid(), now_us(), 0, false});
}

void Injector::end(Lasting& each) {
  each.undo();
  each.member->disturbed = false;
  disturbances_[each.disturbance].to_us = now_us() + each.aftermath.count();
}

void Injector::end_those(const std::function<bool(const Lasting&)>& over) {
  for (Lasting& each : lasting_)
    if (over(each)) end(each);
  std::erase_if(lasting_, [](const Lasting& each) { return !each.member->disturbed; });
}

void Injector::sleep_until(Clock::time_point when) {
  for (;;) {
    auto next = when;
    for (const Lasting& each : lasting_) next = std::min(next, each.until);
    std::this_thread::sleep_until(next);
    end_those([](const Lasting& each) { return each.until <= Clock::now(); });
    if (next == when) return;
  }
}

Member& Injector::any(std::size_t first, std::size_t last) {
  std::vector<Member*> free;
  for (std::size_t i = first; i <= last; ++i)
    if (!load_.members()[i].disturbed) free.push_back(&load_.members()[i]);
  return *free[std::uniform_int_distribution<std::size_t>(0, free.size() - 1)(random_)];
}

}  // namespace gander::faults
