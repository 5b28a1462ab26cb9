#include "exchange.h"

#include <algorithm>
#include <charconv>
#include <random>

#include "enqueue.h"
#include "error.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kCloseWithin{5};
constexpr std::chrono::milliseconds kTakeWithin{100};

std::uint64_t fresh_serial() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32U | device();
}

}  // namespace

Consumer::Consumer(Instance& instance, std::string_view incarnation, const sdk::Deadline& deadline)
    : instance_(instance),
      incarnation_(incarnation),
      life_(instance.begin(incarnation_)),
      serial_(fresh_serial()),
      publisher_(instance, "gander " + incarnation_ + " (publishes)") {
  const TimePoint limit = std::min(limit_of(deadline, instance.settings),
                                   steady_clock::now() + instance.settings.connect_timeout);
  connection_ =
      std::make_unique<Connection>(instance.settings, "gander " + incarnation_, limit, *this);
}

Consumer::~Consumer() {
  connection_->stop();
  life_->over = true;
  try {
    if (!connection_->lost()) give_all_back(steady_clock::now() + kCloseWithin);
  } catch (const std::exception& e) {
    // The server gives back the rest, as after a crash.
    instance_.host.log(GANDER_LOG_WARN, std::string("closing a session: ") + e.what());
  }
  connection_->client().close(steady_clock::now() + std::chrono::seconds(1));
}

sdk::Taken Consumer::exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) {
  if (connection_->lost())
    throw lease_lost(instance_.settings.where(), incarnation_, connection_->why_lost());
  const TimePoint until = limit_of(deadline, instance_.settings);
  sdk::Taken taken;
  bool settled = false;
  try {
    std::optional<sdk::Error> put_off;
    if (!exchange.settles.empty()) {
      put_off = settle(exchange, until);
      settled = !put_off;
    }
    // In less time the server may not answer, which would cost the connection.
    if (exchange.settles.empty() || until - steady_clock::now() > kTakeWithin) {
      take_in_turn(exchange, taken, until);
    } else {
      const auto turn = surely_in_turn();
      wake_for_chores();
    }
    if (put_off && (!taken.batch || taken.batch->size() == 0)) throw sdk::Error(*put_off);
  } catch (const sdk::Error& e) {
    // Acks may have gone out, and deliveries been given to the batch that nobody will see.
    if (connection_->client().lost())
      throw sdk::Error(e.code(), e.what(), e.flags() | GANDER_ERROR_MAYBE_APPLIED, e.native_code(),
                       e.native());
    // What was done is to be told: else it would be settled again, and what was taken be nobody's.
    // The error comes again with the next call.
    if (!settled && (!taken.batch || taken.batch->size() == 0)) throw;
    instance_.host.log(GANDER_LOG_DEBUG, std::string("taking: ") + e.what());
  }
  return taken;
}

void Consumer::take_in_turn(const sdk::Exchange& exchange, sdk::Taken& taken, TimePoint until) {
  std::optional<Connection::Turn> turn(std::in_place, *connection_, until);
  connection_->catch_up();
  require_held(until);
  warn_of_long_job();
  if (const auto names = missing_queues(exchange.takes); !names.empty()) {
    // Not in turn: to make a queue takes seconds, in which heartbeats go on.
    turn.reset();
    publisher_.ensure_queues(names, until);
    turn.emplace(*connection_, until);
    for (const std::string& name : names) subscription(name).stands = true;
  }
  take(exchange, taken, until);
  wake_for_chores();
}

// In turn. So that acks are sent in time.
void Consumer::wake_for_chores() {
  if (const TimePoint at = next_chores(); at != TimePoint::max()) connection_->wake_by(at);
}

void Consumer::on_event(const Event& event) {
  switch (event.kind) {
    case Event::Kind::delivery:
      return event.text == kOperators ? told(event.body) : delivered(event);
    case Event::Kind::cancelled: return cancelled(event.text);
    case Event::Kind::channel_closed:
      connection_->client().lose(closed_by_server(
          event.code, event.text, true, connection_->client().where(), "consuming", event.method));
    default: return;
  }
}

// Before the server ends the connection for it, which costs whatever else this worker holds, too.
void Consumer::warn_of_long_job() {
  Lease* oldest = ledger_.oldest();
  const auto timeout = instance_.settings.consumer_timeout;
  if (oldest == nullptr || oldest->warned || timeout.count() == 0) return;
  const auto age = steady_clock::now() - oldest->pushed_at;
  if (age < timeout * 4 / 5) return;
  oldest->warned = true;
  const auto seconds = [](auto time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
  };
  instance_.host.log(
      GANDER_LOG_WARN,
      "this worker has had a job of the queue '" + oldest->level->queue->name + "' for " +
          seconds(age) + ": if it is not done within the server's consumer_timeout, " +
          seconds(timeout) +
          " as far as the option 'consumer_timeout_ms' says, the server ends the connection and "
          "all that the worker holds runs again; set both above the longest job");
}

Level* Consumer::level_of(std::string_view tag, std::uint64_t& number) const {
  std::from_chars(tag.data(), tag.data() + tag.size(), number);
  const auto it = consumers_.find(number);
  return it == consumers_.end() ? nullptr : it->second;
}

void Consumer::delivered(const Event& event) {
  std::uint64_t number = 0;
  Level* level = level_of(event.text, number);
  if (level == nullptr) return;
  std::int64_t returns = 0;
  Lease& lease = ledger_.add(event.tag, *level,
                             decode(*event.properties, event.body, level->queue->name, &returns));
  lease.consumer = number;
  if (returns > 0) ++life_->reclaimed;
  lease.pushed_at = last_push_ = steady_clock::now();
  if (level->has(number)) level->note_pushed();
  if (isolates(event.tag, lease, returns)) return;
  const bool first = !level->queue->any_waiting();
  level->waiting.push_back(event.tag);
  if (!first) return;
  level->queue->waiting_since = last_push_;
  connection_->wake_by(level->queue->idle_at());
  instance_.bell.ring(level->queue->name);
}

// Its queue was deleted, and who takes from it next declares it again; or, from RabbitMQ 4.3 on, a
// job ran longer than consumer_timeout.
void Consumer::cancelled(std::string_view tag) {
  if (tag == kOperators)
    connection_->client().lose(lost_connection(connection_->client().where(),
                                               "the queue by which operators tell it was deleted"));
  std::uint64_t number = 0;
  Level* level = level_of(tag, number);
  if (level == nullptr || !level->has(number)) return;
  if (level->pushed > 0) doubtful_.insert(level->name);
  level->clear();
  level->queue->stands = false;
  instance_.bell.ring(level->queue->name);
}

// The server has given to others what a consumer held that it cancelled while the queue is there;
// to settle it would make two jobs of one.
void Consumer::require_held(TimePoint until) {
  for (const std::string& name : std::exchange(doubtful_, {}))
    if (connection_->client().count(name, until))
      connection_->client().lose(sdk::Error(
          GANDER_LEASE_LOST,
          connection_->client().where() + ": the server cancelled a consumer of '" + name +
              "' and gave away what it held: its queue was deleted and made anew, or, with "
              "RabbitMQ 4.3 or newer, a job ran longer than the server's consumer_timeout: raise "
              "that if so",
          GANDER_ERROR_RECONNECT));
}

void Consumer::on_lost(const std::string& /*why*/) noexcept {
  life_->over = true;
  try {
    for (const auto& [name, subscription] : subscriptions_) instance_.bell.ring(name);
  } catch (const std::exception&) {
    // Whoever waits looks by himself after a while.
  }
}

}  // namespace gander::rabbitmq
