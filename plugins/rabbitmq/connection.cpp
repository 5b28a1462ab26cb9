#include "connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "error.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What a call may take beyond its deadline before its line is cut.
constexpr milliseconds kGrace{50};
// Events in one turn of the listening thread: a call does not wait for more.
constexpr int kSlice = 256;

}  // namespace

Connection::Connection(const Settings& settings, const std::string& what, TimePoint until,
                       Listener& listener)
    : listener_(listener),
      client_(settings, what, until),
      beat_(std::max(milliseconds(500), milliseconds(settings.heartbeat_s * 500))),
      line_(fcntl(client_.fd(), F_DUPFD_CLOEXEC, 0)),
      poked_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (line_ < 0 || poked_ < 0) {
    if (line_ >= 0) ::close(line_);
    throw sdk::Error(GANDER_NO_MEMORY, "no more files can be opened; raise the limit (ulimit -n)");
  }
  listening_ = std::thread([this] { run(); });
}

Connection::~Connection() {
  stop();
  ::close(line_);
  ::close(poked_);
}

void Connection::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  poke();
  if (listening_.joinable()) listening_.join();
}

bool Connection::lost() {
  const std::lock_guard lock(mutex_);
  return lost_;
}

std::string Connection::why_lost() {
  const std::lock_guard lock(mutex_);
  const auto& why = client_.why_lost();
  return lost_ && why ? why->what() : "its connection was lost";
}

Connection::Turn::Turn(Connection& connection, TimePoint until) : connection_(connection) {
  std::unique_lock lock(connection.mutex_);
  const auto free = [&] { return !connection.busy_; };
  // A call without time left would cost the connection.
  if (steady_clock::now() >= until || !connection.changed_.wait_until(lock, until, free))
    throw timed_out(connection.client_.where(), "the connection was not free");
  connection.busy_ = true;
  connection.busy_until_ = until;
  // It would sleep beyond our time, and could not cut the line.
  if (connection.asleep_until_ > until + kGrace) connection.poke();
}

Connection::Turn::~Turn() {
  const bool unread = !connection_.client_.lost() && connection_.client_.has_unread();
  const std::lock_guard lock(connection_.mutex_);
  connection_.busy_ = false;
  connection_.unread_ = unread;
  if (connection_.client_.lost()) connection_.lost_ = true;
  if (unread || connection_.lost_) connection_.poke();
  connection_.changed_.notify_all();
}

bool Connection::listen(TimePoint until) {
  Event event;
  if (!client_.next(event, until)) return false;
  try {
    listener_.on_event(event);
  } catch (const std::exception& e) {
    // A delivery that nobody knows of would be acknowledged with those behind it.
    if (!client_.lost())
      client_.lose(lost_connection(client_.where(),
                                   std::string("what it sent could not be kept: ") + e.what()));
    throw;
  }
  return true;
}

void Connection::catch_up() {
  while (listen(TimePoint{})) {
  }
}

void Connection::wake_by(TimePoint at) {
  const std::lock_guard lock(mutex_);
  chores_at_ = std::min(chores_at_, at);
  if (asleep_until_ > at) poke();
}

void Connection::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !lost_) {
    if (busy_) {
      const auto free = [this] { return !busy_ || stopping_; };
      if (changed_.wait_until(lock, busy_until_ + kGrace, free)) continue;
      // Another call has the turn by now, and its own time.
      if (steady_clock::now() < busy_until_ + kGrace) continue;
      // It waits in a write that the server does not read. (In a read it minds the time itself.)
      shutdown(line_, SHUT_RDWR);
      changed_.wait(lock, [this] { return !busy_; });
      continue;
    }
    sleep(lock);
    if (busy_ || stopping_) continue;
    busy_ = true;
    busy_until_ = TimePoint::max() - kGrace;
    lock.unlock();
    serve();
    lock.lock();
    busy_ = false;
    if (client_.lost()) lost_ = true;
    changed_.notify_all();
    if (lost_ || steady_clock::now() < chores_at_) continue;
    chores_at_ = TimePoint::max();
    lock.unlock();
    const TimePoint next = listener_.chores(steady_clock::now());
    lock.lock();
    chores_at_ = std::min(chores_at_, next);
  }
  lock.unlock();
  if (lost()) listener_.on_lost("the connection was lost");
}

void Connection::sleep(std::unique_lock<std::mutex>& lock) {
  const TimePoint now = steady_clock::now();
  if (std::exchange(unread_, false)) return;
  asleep_until_ = std::min(now + beat_, chores_at_);
  const auto time = std::chrono::ceil<milliseconds>(asleep_until_ - now).count();
  lock.unlock();
  pollfd both[] = {{line_, POLLIN, 0}, {poked_, POLLIN, 0}};
  poll(both, 2, static_cast<int>(std::max<std::int64_t>(time, 0)));
  std::uint64_t count = 0;
  if (both[1].revents != 0) [[maybe_unused]]
    const ssize_t taken = read(poked_, &count, sizeof count);
  lock.lock();
  asleep_until_ = TimePoint{};
}

// Also where a heartbeat is sent, and where one that did not come is noticed.
void Connection::serve() noexcept {
  try {
    for (int i = 0; i < kSlice; ++i)
      if (!listen(TimePoint{})) return;
    const std::lock_guard lock(mutex_);
    unread_ = true;
  } catch (const std::exception&) {
    // The client keeps it.
  }
}

void Connection::poke() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(poked_, &one, sizeof one);
}

}  // namespace gander::rabbitmq
