// What a publisher sends that is no message of a queue's: names for the registry, news for workers,
// and one for nobody, to hear whether the server takes any.
#include "publisher.h"

namespace gander::rabbitmq {

void Publisher::note_name(std::string_view queue, TimePoint until) {
  const Call call(*this, until);
  const Connection::Turn turn(connected(until), until);
  register_name(queue, until);
}

void Publisher::register_name(std::string_view queue, TimePoint until) {
  say("", instance_.names.registry(), queue, until);
}

bool Publisher::tell(const std::string& key, std::string_view queue, TimePoint until) {
  const Call call(*this, until);
  const Connection::Turn turn(connected(until), until);
  connection_->catch_up();
  try {
    return say(instance_.names.control(), key, queue, until);
  } catch (const sdk::Error& e) {
    // That nobody heard it would come later, and be taken for the answer to the next of its words.
    abandon(e);
    throw;
  }
}

// Only who publishes is told. To a queue that nobody has, it leaves nothing behind.
std::string Publisher::alarm(TimePoint until) {
  const Call call(*this, until);
  const Connection::Turn turn(connected(until), until);
  connection_->catch_up();
  try {
    say("", instance_.names.control_of("nobody"), "", until);
  } catch (const sdk::Error&) {
    if (blocked_.empty()) throw;
  }
  return blocked_;
}

// What is no message of a queue's. False: no queue took it.
bool Publisher::say(const std::string& exchange, const std::string& key, std::string_view text,
                    TimePoint until) {
  Outgoing saying;
  gander_message none{};
  saying.message = &none;
  saying_ = text;
  unheard_ = false;
  unconfirmed_.push_back(&saying);
  ++undecided_;
  try {
    connection_->client().publish(exchange, key, text);
    flush(WhenBlocked::wait, until);
    await_results(WhenBlocked::wait, until);
  } catch (...) {
    forget_items();
    saying_ = {};
    throw;
  }
  saying_ = {};
  return !unheard_;
}

}  // namespace gander::rabbitmq
