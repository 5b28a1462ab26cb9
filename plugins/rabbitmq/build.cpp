#include "build.h"

#include <algorithm>
#include <utility>

#include "error.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Each try that fails is an error in the server's log.
constexpr milliseconds kTryEvery{100};
// A queue that has a leader answers within that, if the server is not in trouble.
constexpr milliseconds kAnswerWithin{2000};
constexpr milliseconds kTidyWithin{1000};

// The library waits for whole milliseconds, rounded down.
void listen_until(Connection& connection, TimePoint at) {
  while (connection.listen(at) || steady_clock::now() < at) {
  }
}

class Lock {
 public:
  Lock(Connection& connection, std::string name, TimePoint until)
      : client_(connection.client()), name_(std::move(name)) {
    while (!client_.declare_own_queue(name_, until)) {
      if (steady_clock::now() + kTryEvery >= until)
        throw timed_out(client_.where(), "another connection did not have a new queue ready");
      listen_until(connection, steady_clock::now() + kTryEvery);
    }
  }
  ~Lock() {
    if (client_.lost()) return;
    try {
      client_.delete_queue(name_, steady_clock::now() + kTidyWithin);
    } catch (const std::exception&) {
      // It goes when the connection does.
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Client& client_;
  const std::string name_;
};

}  // namespace

void Builder::ensure(Connection& connection, std::span<const Part> parts, const Register& note_name,
                     TimePoint until) {
  std::vector<Part> missing;
  for (const Part& part : parts)
    if (!standing_.contains(part.key()) && !stands(connection.client(), part, until))
      missing.push_back(part);
  if (!missing.empty()) build(connection, missing, note_name, until);
}

// Declared all the same: whether all is as it should be only a declaration tells.
bool Builder::stands(Client& client, const Part& part, TimePoint until) {
  if (!client.has_exchange(instance_.names.built(part.key()), until)) return false;
  for (const std::string& queue : topology_.queues_of(part))
    if (!client.count(queue, until)) return false;
  topology_.declare(client, part, until);
  standing_.insert(part.key());
  return true;
}

void Builder::build(Connection& connection, std::span<const Part> parts, const Register& note_name,
                    TimePoint until) {
  Client& client = connection.client();
  std::set<std::string> keys;  // in order, so that no two wait for each other
  for (const Part& part : parts) keys.insert(part.key());
  std::vector<std::unique_ptr<Lock>> locks;
  for (const std::string& key : keys)
    locks.push_back(std::make_unique<Lock>(connection, instance_.names.building(key), until));
  std::vector<std::pair<const Part*, Made>> all;
  for (const Part& part : parts)
    if (!stands(client, part, until)) all.emplace_back(&part, make(client, part, until));
  for (const auto& [part, made] : all) wait_for_disk(connection, made.on_disk_at, until);
  for (const auto& [part, made] : all) {
    for (const std::string& queue : made.queues) ask(client, queue, until);
    if (part->kind == Part::Kind::queue) note_name(part->queue);
    client.declare_exchange(instance_.names.built(part->key()), "direct", until);
    instance_.fresh.is_built(part->key());
    standing_.insert(part->key());
  }
}

// Of a part that is marked a queue may have been deleted. The others of it may hold messages, so
// they are not touched.
Builder::Made Builder::make(Client& client, const Part& part, TimePoint until) {
  const bool marked = client.has_exchange(instance_.names.built(part.key()), until);
  Made made;
  bool just_now = false;
  for (const std::string& queue : topology_.queues_of(part)) {
    const bool silent = !marked && instance_.fresh.silent_for(queue) >= kAnswerWithin;
    if (silent) {
      client.delete_queue(queue, until);
      instance_.fresh.note_answer(queue);
    }
    const bool missing = silent || !client.count(queue, until);
    just_now = just_now || missing;
    if (missing || !marked) made.queues.push_back(queue);
  }
  topology_.declare(client, part, until);
  made.on_disk_at =
      instance_.fresh.made_at(part.key(), just_now) + instance_.settings.new_queue_wait;
  return made;
}

void Builder::wait_for_disk(Connection& connection, TimePoint at, TimePoint until) {
  listen_until(connection, std::min(at, until));
  if (steady_clock::now() < at)
    throw timed_out(connection.client().where(),
                    "a queue that is new was not on the server's disk");
}

// Whether it has a leader, as only that can give it a consumer.
void Builder::ask(Client& client, const std::string& queue, TimePoint until) {
  const std::string tag = "asks";
  const TimePoint start = steady_clock::now();
  try {
    const TimePoint limit = std::min(until, start + kAnswerWithin);
    client.consume(queue, tag, 1, Client::Acks::needed, limit);
    client.cancel(tag, limit);
    client.nack_all();
    instance_.fresh.note_answer(queue);
  } catch (const sdk::Error& e) {
    if (e.code() != GANDER_TIMEOUT) throw;
    instance_.fresh.note_silent(queue, start);
    throw sdk::Error(GANDER_TIMEOUT,
                     client.where() + ": '" + queue +
                         "' is new, and does not answer; if it has no leader, it is made again",
                     e.flags());
  }
}

}  // namespace gander::rabbitmq
