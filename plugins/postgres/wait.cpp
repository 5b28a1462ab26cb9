#include "wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "bell.h"
#include "error.h"

namespace gander::postgres {
namespace {

// What was not rung for is found by looking: often while the bell may be silent because it has just
// been rung, then ever more seldom.
constexpr std::chrono::milliseconds kFirstLook{2};
constexpr std::chrono::milliseconds kSilent{12};
constexpr std::chrono::milliseconds kLastLook{1000};
// Behind a pooler there is no bell.
constexpr std::chrono::milliseconds kLastLookPooled{100};
// A server that does not answer for so long is taken for lost.
constexpr std::chrono::seconds kLookLost{10};

}  // namespace

Waiter::Waiter(std::unique_ptr<Connection> connection, sdk::Queues queues,
               const sdk::Deadline& deadline)
    : connection_(std::move(connection)),
      queues_(*connection_),
      look_(*connection_,
            "SELECT EXISTS (SELECT 1 FROM @queue q CROSS JOIN (VALUES (0), (1), (2)) AS p(prio) "
            "WHERE NOT q.paused AND (cardinality($1::int[])=0 OR q.no=ANY($1::int[])) AND EXISTS "
            "(SELECT 1 FROM @ready r WHERE r.lane=q.no*4+p.prio))"),
      bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      rest_(kFirstLook),
      look_at_(Clock::now()) {
  if (bell_ < 0)
    throw sdk::Error(GANDER_UNAVAILABLE, std::string("eventfd: ") + std::strerror(errno),
                     GANDER_ERROR_RETRYABLE);
  try {
    if (!connection_->pooled())
      connection_->run("LISTEN \"" + channel_of(connection_->settings().schema) + "\"", deadline);
    resolve(queues, deadline);
  } catch (...) {
    close(bell_);
    throw;
  }
}

Waiter::~Waiter() { close(bell_); }

// Makes room on the connection for another question; what the look has seen is looked for again.
void Waiter::end_look() {
  if (looking_->rest().front().truth(0, 0)) look_at_ = Clock::now();
  looking_.reset();
}

sdk::Waited Waiter::wait(sdk::Queues queues, const sdk::Deadline& deadline) {
  resolve(queues, deadline);
  for (;;) {
    if (interrupted_.exchange(false)) return sdk::Waited::cancelled;
    hear();
    if (heard_one()) {
      rest_ = kFirstLook;
      heard_at_ = Clock::now();
      look_at_ = heard_at_ + rest_;
      return sdk::Waited::arrived;
    }
    const auto now = Clock::now();
    if (now >= look_at_) {
      const Clock::duration most =
          connection_->pooled() ? Clock::duration(kLastLookPooled) : kLastLook;
      if (now - heard_at_ > kSilent) rest_ = std::min(2 * rest_, most);
      look_at_ = now + rest_;
      begin_look();
    }
    if (seen_one()) return sdk::Waited::arrived;
    if (deadline.passed()) return sdk::Waited::timeout;
    sleep(deadline.at() ? std::min(look_at_, *deadline.at()) : look_at_);
  }
}

void Waiter::resolve(sdk::Queues queues, const sdk::Deadline& deadline) {
  asked_.clear();
  for (const gander_str& queue : queues) {
    if (looking_ && !queues_.knows(sdk::view(queue))) end_look();
    asked_.push_back(queues_.find_or_add(sdk::view(queue), deadline));
  }
}

// Takes what has come off the socket.
void Waiter::hear() {
  PGconn* c = connection_->handle();
  if (c == nullptr || PQconsumeInput(c) != 1)
    throw lost_error(PQerrorMessage(c), connection_->where(), false);
  while (PGnotify* n = PQnotifies(c)) {
    const std::string_view text = n->extra;
    std::int32_t queue = 0;
    std::from_chars(text.data(), text.data() + text.size(), queue);
    PQfreemem(n);
    heard_.insert(queue);
  }
}

// Of no queue in particular is of any.
bool Waiter::heard_one() {
  if (asked_.empty()) {
    const bool any = !heard_.empty();
    heard_.clear();
    return any;
  }
  bool one = false;
  for (const std::int32_t queue : asked_) one = heard_.erase(queue) != 0 || one;
  return one;
}

// Not waited for: a wait ends in its time, however long the server takes to answer.
void Waiter::begin_look() {
  if (looking_) {
    if (Clock::now() - began_look_ > kLookLost) throw late_error(connection_->where(), false);
    return;
  }
  list_.clear();
  for (const std::int32_t queue : asked_) list_.add_int4(queue);
  began_look_ = Clock::now();
  looking_.emplace(*connection_, no_limit_);
  looking_->add(look_, Params().add(list_));
  looking_->start();
}

bool Waiter::seen_one() {
  if (!looking_ || !looking_->arrived()) return false;
  const std::vector<Result> results = looking_->results();
  looking_.reset();
  return results.front().truth(0, 0);
}

void Waiter::sleep(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd sources[] = {{PQsocket(connection_->handle()), POLLIN, 0}, {bell_, POLLIN, 0}};
  poll(sources, 2, static_cast<int>(std::max<std::int64_t>(0, left)));
  if ((sources[1].revents & POLLIN) == 0) return;
  std::uint64_t rung = 0;
  static_cast<void>(read(bell_, &rung, sizeof rung));
}

void Waiter::interrupt() noexcept {
  interrupted_.store(true);
  const std::uint64_t one = 1;
  static_cast<void>(write(bell_, &one, sizeof one));
}

}  // namespace gander::postgres
