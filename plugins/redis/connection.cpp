#include "connection.h"

#include <algorithm>

#include "error.h"
#include "server.h"

namespace gander::redis {
namespace {

constexpr std::chrono::milliseconds kOneRoundTrip{50};

}  // namespace

Connection::Connection(Instance& instance, const sdk::Deadline& deadline)
    : settings_(instance.settings),
      limit_(std::min(deadline.at().value_or(TimePoint::max()),
                      std::chrono::steady_clock::now() + settings_.connect_timeout)),
      socket_(settings_, find_master(settings_, limit_), limit_) {
  log_in(*this, settings_);
  require_fit(*this, instance);
}

void Connection::begin_call(const sdk::Deadline& deadline) {
  limit_ = deadline.at().value_or(TimePoint::max());
}

TimePoint Connection::until() const {
  return std::min(limit_, std::chrono::steady_clock::now() + settings_.call_timeout);
}

bool Connection::time_is_up() const {
  return limit_ != TimePoint::max() && limit_ - std::chrono::steady_clock::now() < kOneRoundTrip;
}

Reply Connection::checked(Reply reply, const std::string& doing) const {
  if (reply.view().is_error()) throw server_error(reply.view().text(), where(), doing);
  return reply;
}

Reply Connection::call(const Command& command, const std::string& doing) {
  socket_.send(command, until());
  return checked(socket_.receive(until()), doing);
}

// A restart, a failover or SCRIPT FLUSH makes the server forget, and then it has done nothing.
Reply Connection::run(ScriptCall& script, const std::string& doing) {
  socket_.send(script.command(sha_of(script.script(), doing)), until());
  Reply reply = socket_.receive(until());
  if (reply.view().is_error() && reply.view().text().starts_with("NOSCRIPT")) {
    shas_.erase(&script.script());
    socket_.send(script.command(sha_of(script.script(), doing)), until());
    reply = socket_.receive(until());
  }
  return checked(std::move(reply), doing);
}

const std::string& Connection::sha_of(const Script& script, const std::string& doing) {
  std::string& sha = shas_[&script];
  if (sha.empty()) {
    const std::string source = script.source();
    sha = call({"SCRIPT", "LOAD", source}, doing).view().text();
  }
  return sha;
}

std::vector<Reply> Connection::call_all(const std::vector<Command>& commands,
                                        const std::string& doing) {
  for (std::size_t i = 0; i + 1 < commands.size(); ++i) socket_.queue(commands[i]);
  if (!commands.empty()) socket_.send(commands.back(), until());
  std::vector<Reply> replies;
  replies.reserve(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) replies.push_back(socket_.receive(until()));
  for (Reply& reply : replies) reply = checked(std::move(reply), doing);
  return replies;
}

}  // namespace gander::redis
