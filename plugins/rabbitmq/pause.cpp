// How a CONSUME session obeys the pause of a queue (state.h). An operator tells all workers that
// the state of a queue has changed; each looks it up, and lets go of the queue if it is paused.
#include <algorithm>

#include "error.h"
#include "exchange.h"
#include "state.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

// In case it was not told that the queue runs again. Not often: each time the server's log has an
// error while the queue is paused.
constexpr std::chrono::seconds kLookEvery{10};

}  // namespace

void Consumer::begin_taking(Subscription& s, TimePoint until) {
  const std::string own = instance_.names.control_of(incarnation_);
  Client& client = connection_->client();
  if (!hears_operators_) {
    Topology(instance_.names).declare_control(client, own, until);
    client.consume(own, std::string(kOperators), 1, Client::Acks::none, until);
    hears_operators_ = true;
  }
  const auto bind = [&](bool& bound, const std::string& key) {
    if (bound) return;
    try {
      client.bind(own, instance_.names.control(), key, until);
    } catch (const sdk::Error& e) {
      // The exchange was deleted, and what other queues had bound to it as well.
      if (e.native_code() == AMQP_NOT_FOUND && !client.lost()) client.lose(e);
      throw;
    }
    bound = true;
  };
  bind(s.listens, listeners_key(address_of(s.name)));
  bind(s.takes, takers_key(address_of(s.name)));
}

// When it has no consumers any more.
void Consumer::end_taking(Subscription& s, TimePoint until) {
  if (!s.takes) return;
  connection_->client().unbind(instance_.names.control_of(incarnation_), instance_.names.control(),
                               takers_key(address_of(s.name)), until);
  s.takes = false;
}

// Whichever thread reads must not ask the server: the listening one will.
void Consumer::told(std::string_view queue) {
  const bool anew = queue.starts_with(kMadeAnew);
  if (anew) queue.remove_prefix(kMadeAnew.size());
  const auto it = subscriptions_.find(queue);
  if (it == subscriptions_.end()) return;
  if (anew && std::ranges::any_of(it->second->levels, &Level::open))
    connection_->client().lose(
        lost_connection(connection_->client().where(),
                        "the queue '" + it->first + "' was deleted under its consumers"));
  it->second->told = true;
  connection_->wake_by(steady_clock::now());
}

void Consumer::look_up_state(Subscription& s, TimePoint until) {
  s.told = false;
  const bool was = s.paused;
  s.paused = rabbitmq::is_paused(connection_->client(), instance_.names, s.name, until);
  s.look_at = steady_clock::now() + kLookEvery;
  if (was && !s.paused) instance_.bell.ring(s.name);
}

bool Consumer::is_paused(Subscription& s, TimePoint until) {
  if (s.told || (s.paused && steady_clock::now() >= s.look_at)) look_up_state(s, until);
  return s.paused;
}

}  // namespace gander::rabbitmq
