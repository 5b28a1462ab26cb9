// The consumers of a CONSUME session: how many messages the server is to push, and when no more.
#include <algorithm>
#include <mutex>

#include "exchange.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

// The server has said that messages are there. Others may have taken them since.
constexpr std::chrono::milliseconds kAwaitPush{100};
// To have waited for less for an answer says nothing.
constexpr std::chrono::milliseconds kLong{1000};

}  // namespace

// Each call of which the server makes an entry in the log of the queue: it needs the majority, and
// when it has no answer the connection is lost. The next one is to know why.
template <class Call>
void Consumer::watched(const Level& level, const Call& call) {
  const TimePoint start = steady_clock::now();
  try {
    call(connection_->client());
  } catch (const sdk::Error& e) {
    const Part part{Part::Kind::queue, level.queue->name};
    if (e.code() == GANDER_TIMEOUT && steady_clock::now() - start >= kLong)
      instance_.quorums.miss(part, level.name);
    else if (e.code() == GANDER_TIMEOUT)
      instance_.quorums.doubt(part, level.name);
    throw;
  }
}

// While it is, it is not asked for anything.
bool Consumer::away(const Subscription& s) const {
  return !instance_.quorums.all_well() && instance_.quorums.away({Part::Kind::queue, s.name});
}

// Sees to it that the server pushes what is missing, if it has it.
void Consumer::fetch(Level& level, std::size_t missing, std::size_t room, TimePoint until) {
  const std::size_t wanted = level.alone ? 1 : prefetch_for(room);
  if (!level.open()) return begin(level, wanted, until);
  if (level.ran_dry && wanted > level.prefetch && level.waiting.size() < missing)
    subscribe(level, wanted - level.prefetch, until);
}

void Consumer::begin(Level& level, std::size_t prefetch, TimePoint until) {
  Client& client = connection_->client();
  begin_taking(*level.queue, until);
  const std::optional<std::uint32_t> there = client.count(level.name, until);
  if (!there) {  // deleted behind our back; the next exchange makes it, which takes a while
    level.queue->stands = false;
    return instance_.bell.ring(level.queue->name);
  }
  subscribe(level, prefetch, until);
  // Now, as who pauses a queue waits only for the consumers that he sees.
  look_up_state(*level.queue, until);
  if (*there == 0 || level.queue->paused) return;
  const TimePoint limit = std::min(until, steady_clock::now() + kAwaitPush);
  const std::size_t before = level.waiting.size();
  while (level.waiting.size() == before && connection_->listen(limit)) {
  }
  connection_->catch_up();
  level.expect(std::min<std::size_t>(*there, prefetch), limit);
}

void Consumer::subscribe(Level& level, std::size_t prefetch, TimePoint until) {
  consumers_.emplace(++last_consumer_, &level);
  // At once, as the first deliveries come with the answer.
  level.add(last_consumer_, prefetch);
  watched(level, [&](Client& client) {
    client.consume(level.name, std::to_string(last_consumer_), static_cast<std::uint16_t>(prefetch),
                   Client::Acks::needed, until);
  });
}

// What is on its way to a consumer when that is cancelled the server takes back, and counts as it
// counts a crash. So until nothing is: consumers that are spent are pushed no more, and the queue
// of others is empty as soon as nothing new comes.
void Consumer::quiesce(const Level& level, TimePoint until) {
  if (!level.open()) return;
  for (std::size_t before = level.pushed + 1; before != level.pushed && !level.spent();) {
    before = level.pushed;
    connection_->client().sync(until);
    connection_->catch_up();
  }
}

// And all that was pushed to them is here.
void Consumer::cancel_all(Subscription& s, TimePoint until) {
  std::unique_lock still(instance_.arrivals, std::defer_lock);
  Instance::lock_for_a_moment(still);
  for (Level& level : s.levels) {
    quiesce(level, until);
    for (const Level::Consumer& each : level.consumers)
      watched(level, [&](Client& client) { client.cancel(std::to_string(each.number), until); });
    level.clear();
  }
  connection_->catch_up();
  std::erase_if(consumers_, [&s](const auto& each) { return each.second->queue == &s; });
}

}  // namespace gander::rabbitmq
