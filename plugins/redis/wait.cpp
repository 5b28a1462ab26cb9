#include "wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "error.h"

namespace gander::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// For how long the server is to hold a request back: so long until a connection that is cut
// without a word is found out.
constexpr milliseconds kBlock{5000};
// What the reply may take beyond that.
constexpr milliseconds kGrace{5000};

}  // namespace

Waiter::Waiter(Instance& instance, sdk::Queues queues, const sdk::Deadline& deadline)
    : instance_(instance),
      connection_(std::make_unique<Connection>(instance, deadline)),
      interrupted_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (interrupted_ < 0)
    throw sdk::Error(GANDER_NO_MEMORY, "no more files can be opened; raise the limit (ulimit -n)");
  for (const gander_str& queue : queues) remember(QueueKeys(instance_.keys, sdk::view(queue)).bell);
}

Waiter::~Waiter() { close(interrupted_); }

// From here on it listens: a bell that was never rung is as one rung at 0.
void Waiter::remember(const std::string& bell) {
  const Reply last = connection_->call({"XREVRANGE", bell, "+", "-", "COUNT", "1"}, "wait");
  seen_[bell] = last.size() == 0 ? "0-0" : std::string(last[0][0].text());
}

sdk::Waited Waiter::wait(sdk::Queues queues, const sdk::Deadline& deadline) {
  std::vector<std::string> bells;
  for (const gander_str& queue : queues)
    bells.push_back(QueueKeys(instance_.keys, sdk::view(queue)).bell);
  // An answer for other queues would be a wait for the wrong ones.
  if (!asked_.empty() && asked_ != bells) {
    connection_ = std::make_unique<Connection>(instance_, deadline);
    asked_.clear();
  }
  for (;;) {
    const TimePoint limit = deadline.at().value_or(steady_clock::now() + kBlock);
    const auto left = std::chrono::ceil<milliseconds>(limit - steady_clock::now());
    if (asked_.empty() && !bells.empty()) ask(bells, std::clamp(left, milliseconds(1), kBlock));
    switch (listen(limit)) {
      case Heard::bell: return sdk::Waited::arrived;
      case Heard::interrupt: return sdk::Waited::cancelled;
      case Heard::nothing:
        if (deadline.passed()) return sdk::Waited::timeout;
    }
  }
}

void Waiter::ask(const std::vector<std::string>& bells, milliseconds block) {
  Command command{"XREAD", "BLOCK"};
  command.add(block.count()).add("STREAMS");
  for (const std::string& bell : bells) command.add(bell);
  for (const std::string& bell : bells) command.add(seen_.try_emplace(bell, "0-0").first->second);
  connection_->socket().send(command, steady_clock::now() + kGrace);
  asked_ = bells;
  answer_by_ = steady_clock::now() + block + kGrace;
}

Waiter::Heard Waiter::listen(TimePoint until) {
  Socket& socket = connection_->socket();
  for (;;) {
    if (take_interrupt()) return Heard::interrupt;
    if (!asked_.empty()) {
      if (const auto reply = socket.receive_now()) {
        asked_.clear();
        return note_entries(reply->view()) ? Heard::bell : Heard::nothing;
      }
      if (steady_clock::now() > answer_by_)
        throw lost_connection(socket.where(), "wait: no reply in time", 0);
    }
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    if (left <= 0) return Heard::nothing;
    pollfd both[] = {{interrupted_, POLLIN, 0}, {socket.fd(), POLLIN, 0}};
    poll(both, asked_.empty() ? 1 : 2, static_cast<int>(std::min<std::int64_t>(left, 1000)));
    if (both[1].revents != 0) socket.read_some();
  }
}

// {{bell, {{entry, ...}}}, ...}, or nothing when none was rung.
bool Waiter::note_entries(const ReplyView& reply) {
  if (reply.is_error()) throw server_error(reply.text(), connection_->where(), "wait");
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const ReplyView entries = reply[i][1];
    if (entries.size() > 0)
      seen_[std::string(reply[i][0].text())] = entries[entries.size() - 1][0].text();
  }
  return reply.size() > 0;
}

void Waiter::interrupt() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(interrupted_, &one, sizeof one);
}

bool Waiter::take_interrupt() {
  std::uint64_t count = 0;
  return read(interrupted_, &count, sizeof count) == sizeof count;
}

}  // namespace gander::redis
