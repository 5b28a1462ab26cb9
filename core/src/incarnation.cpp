#include "incarnation.h"

#include <unistd.h>

#include <gander/id.h>
#include <gander/log.h>

#include <algorithm>

#include "backoff.h"
#include "log.h"
#include "text.h"

namespace gander {
namespace {

using namespace std::chrono_literals;

constexpr auto kCallTimeout = 5s;
constexpr auto kLongestWait =
    5s;  // then the bell rings anyway, so a wake-up that was lost costs so much at most
constexpr auto kTendEvery = 5s;
constexpr auto kTendBudget = 2s;

// host:pid:12 hex digits, never used twice.
std::string fresh_name() {
  char host[65] = {};
  static_cast<void>(gethostname(host, sizeof(host) - 1));
  std::string name;
  for (const char* c = host; *c != '\0' && name.size() < 60; ++c)
    name += (isalnum(static_cast<unsigned char>(*c)) != 0 || *c == '.' || *c == '-') ? *c : '-';
  const std::string id = Id::make().to_string();
  return name + ":" + std::to_string(getpid()) + ":" + id.substr(24);
}

}  // namespace

Incarnation::Incarnation(std::shared_ptr<BrokerHandle> broker,
                         const std::vector<std::string>& queues, Events events)
    : broker_(std::move(broker)),
      queue_names_(queues),
      events_(std::move(events)),
      name_(fresh_name()) {
  for (const auto& q : queue_names_) queues_.push_back(str(q));
  consume_ = open(GANDER_ROLE_CONSUME);
  doorbell_ = std::jthread([this](const std::stop_token& stop) { run_doorbell(stop); });
  keeper_ = std::jthread([this](const std::stop_token& stop) { run_keeper(stop); });
}

Incarnation::~Incarnation() {
  doorbell_.request_stop();
  keeper_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ != nullptr) waiting_->interrupt();
  }
  doorbell_.join();
  keeper_.join();
}

std::unique_ptr<Session> Incarnation::open(std::uint32_t role) {
  return broker_->open(role, name_, queues_, kCallTimeout);
}

void Incarnation::listen() {
  const std::lock_guard lock(mutex_);
  listening_ = true;
  wake_.notify_all();
}

void Incarnation::pause(const std::stop_token& stop, std::chrono::microseconds time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, time, [] { return false; });
}

void Incarnation::run_doorbell(const std::stop_token& stop) {
  std::unique_ptr<Session> session;
  Backoff backoff(5ms, 1000ms);
  while (!stop.stop_requested()) {
    try {
      if (!session) {
        session = open(GANDER_ROLE_WAIT);
        events_.rung();  // what came before the session was open it cannot have heard
      }
      {
        std::unique_lock lock(mutex_);
        if (!wake_.wait(lock, stop, [this] { return listening_; })) break;
        waiting_ = session.get();
      }
      const bool heard = !stop.stop_requested() && hear(session);
      {
        const std::lock_guard lock(mutex_);
        listening_ = false;
        waiting_ = nullptr;
      }
      if (!heard) pause(stop, backoff.next());  // no wait() here: look now and then
      if (heard) backoff.reset();
      events_.rung();
    } catch (const std::exception& e) {
      {
        const std::lock_guard lock(mutex_);
        waiting_ = nullptr;
      }
      session.reset();
      log(LogLevel::debug, std::string("doorbell: ") + e.what());
      pause(stop, backoff.next());
      events_.rung();  // deaf is not asleep: the pump looks by itself meanwhile
    }
  }
}

bool Incarnation::hear(std::unique_ptr<Session>& session) {
  const Status status = session->wait(queues_, kLongestWait);
  switch (status.code) {
    case GANDER_OK:
    case GANDER_TIMEOUT:
    case GANDER_CANCELLED: return true;
    case GANDER_UNSUPPORTED: return false;
    default: throw error_of(status, broker_->name(), "wait");
  }
}

void Incarnation::run_keeper(const std::stop_token& stop) {
  std::unique_ptr<Session> session;
  Backoff backoff(50ms, 1000ms);
  while (!stop.stop_requested()) {
    std::chrono::microseconds again = 0us;
    try {
      if (!session) session = open(GANDER_ROLE_TEND);
      again = tend(*session);
      if (again.count() < 0) return events_.lost();
      if (backoff.tries() > 0)
        log(LogLevel::info, "keeper: the broker is back", {{"broker", broker_->name()}});
      backoff.reset();
    } catch (const std::exception& e) {
      if (backoff.tries() == 0)
        log(LogLevel::warn, std::string("keeper: ") + e.what() + "; trying on");
      session.reset();
      again = backoff.next();
    }
    pause(stop, again);
  }
}

// When to come again; less than zero: the lease is lost.
std::chrono::microseconds Incarnation::tend(Session& session) {
  gander_tend_res res{};
  const auto began = std::chrono::steady_clock::now();
  const Status status = session.tend(kTendBudget, res);
  if (status.code == GANDER_LEASE_LOST) return -1us;
  if (!status.ok()) throw error_of(status, broker_->name(), "tend");
  events_.tended(res, began);
  std::chrono::microseconds again = kTendEvery;
  if (res.again_in_us > 0) again = std::min(again, std::chrono::microseconds(res.again_in_us));
  const std::int64_t lease = broker_->info().lease_us;
  if (lease > 0) again = std::min(again, std::chrono::microseconds(lease / 3));
  return std::max<std::chrono::microseconds>(again, 10ms);
}

}  // namespace gander
