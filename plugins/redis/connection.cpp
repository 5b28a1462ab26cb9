#include "connection.h"

#include <algorithm>

#include "error.h"
#include "server.h"

namespace gander::redis {
namespace {

TimePoint until_of(const sdk::Deadline& deadline, std::chrono::milliseconds most) {
  const TimePoint limit = std::chrono::steady_clock::now() + most;
  return deadline.at() ? std::min(*deadline.at(), limit) : limit;
}

}  // namespace

Connection::Connection(Instance& instance, const sdk::Deadline& deadline)
    : settings_(instance.settings),
      until_(until_of(deadline, settings_.connect_timeout)),
      socket_(settings_, find_master(settings_, until_), until_) {
  log_in(*this, settings_);
  require_fit(*this, instance);
}

void Connection::begin_call(const sdk::Deadline& deadline) {
  until_ = until_of(deadline, settings_.call_timeout);
}

Reply Connection::checked(Reply reply, const std::string& doing) const {
  if (reply.view().is_error()) throw server_error(reply.view().text(), where(), doing);
  return reply;
}

Reply Connection::call(const Command& command, const std::string& doing) {
  socket_.send(command, until_);
  return checked(socket_.receive(until_), doing);
}

// A restart, a failover or SCRIPT FLUSH makes the server forget, and then it has done nothing.
Reply Connection::run(ScriptCall& script, const std::string& doing) {
  socket_.send(script.command(sha_of(script.script(), doing)), until_);
  Reply reply = socket_.receive(until_);
  if (reply.view().is_error() && reply.view().text().starts_with("NOSCRIPT")) {
    shas_.erase(&script.script());
    socket_.send(script.command(sha_of(script.script(), doing)), until_);
    reply = socket_.receive(until_);
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
  if (!commands.empty()) socket_.send(commands.back(), until_);
  std::vector<Reply> replies;
  replies.reserve(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) replies.push_back(socket_.receive(until_));
  for (Reply& reply : replies) reply = checked(std::move(reply), doing);
  return replies;
}

}  // namespace gander::redis
