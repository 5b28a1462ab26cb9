#include "browse.h"

#include <algorithm>
#include <thread>

#include "error.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Nothing came for so long: it is worth to ask whether that was all.
constexpr milliseconds kQuiet{3};
constexpr milliseconds kLongestPause{200};
// To tidy up, when the call itself has no time left.
constexpr std::chrono::seconds kLeaveWithin{5};

}  // namespace

Browser::Browser(Instance& instance, TimePoint until) : instance_(instance) { connected(until); }

Browser::~Browser() {
  if (!connection_) return;
  connection_->stop();
  connection_->client().close(steady_clock::now() + std::chrono::seconds(1));
}

void Browser::ping(TimePoint until) {
  const Connection::Turn turn(connected(until), until);
  connection_->client().sync(until);
}

Connection& Browser::connected(TimePoint until) {
  if (connection_ && !connection_->lost()) return *connection_;
  connection_.reset();
  last_tag_ = 0;
  const TimePoint limit = std::min(until, steady_clock::now() + instance_.settings.connect_timeout);
  connection_ = std::make_unique<Connection>(instance_.settings, "gander admin", limit, *this);
  return *connection_;
}

void Browser::on_event(const Event& event) {
  if (event.kind == Event::Kind::channel_closed)
    connection_->client().lose(closed_by_server(
        event.code, event.text, true, connection_->client().where(), "reading", event.method));
  if (event.kind == Event::Kind::cancelled) visitor_ = nullptr;  // the queue was deleted
  if (event.kind != Event::Kind::delivery) return;
  last_tag_ = event.tag;
  if (visitor_ == nullptr) return;
  ++seen_;
  if (!(*visitor_)(event)) visitor_ = nullptr;
}

Visit::Visit(Browser& browser, TimePoint until)
    : browser_(browser), until_(until), turn_(browser.connected(until), until) {
  enter();
}

Visit::~Visit() {
  try {
    if (client().lost()) return;
    put_back();
    client().delete_queue(browser_.instance_.names.desk(), steady_clock::now() + kLeaveWithin);
  } catch (const std::exception& e) {
    // The server puts back what a connection held when it ends.
    browser_.instance_.host.log(GANDER_LOG_WARN,
                                std::string("putting back what was read: ") + e.what());
    client().close(steady_clock::now() + std::chrono::seconds(1));
  }
}

// An exclusive queue is the lock: it goes with its connection, however that ends.
void Visit::enter() {
  const std::string desk = browser_.instance_.names.desk();
  milliseconds pause{5};
  while (!client().declare_own_queue(desk, until_)) {
    if (steady_clock::now() + pause >= until_)
      throw sdk::Error(GANDER_UNAVAILABLE,
                       client().where() + ": the command of another operator reads; try again",
                       GANDER_ERROR_RETRYABLE);
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

void Visit::read(const std::string& queue, const Browser::Visitor& visitor, std::size_t ahead) {
  const std::size_t there = client().count(queue, until_).value_or(0);
  if (there == 0) return;
  parts_.push_back({queue, browser_.last_tag_ + 1, 0});
  browser_.seen_ = 0;
  browser_.visitor_ = &visitor;
  try {
    hear_all(queue, there, ahead);
  } catch (...) {
    browser_.visitor_ = nullptr;
    parts_.back().kept += browser_.seen_;
    throw;
  }
  browser_.visitor_ = nullptr;
  parts_.back().kept += browser_.seen_;
  end_reading();
}

// The server counts as taken what it has not sent yet: so all that were there are waited for, and
// what has come since is seen as far as it comes.
void Visit::hear_all(const std::string& queue, std::size_t there, std::size_t ahead) {
  Connection& connection = *browser_.connection_;
  const auto done = [this] { return browser_.visitor_ == nullptr; };
  for (std::size_t room = 0;;) {
    // One that holds its prefetch is pushed no more.
    if (browser_.seen_ >= room) {
      add_consumer(queue, ahead);
      room += ahead;
      ahead = std::min(2 * ahead, kMostAhead);
    }
    const std::size_t before = browser_.seen_;
    while (!done() && connection.listen(std::min(until_, steady_clock::now() + kQuiet))) {
    }
    if (done()) return;
    if (steady_clock::now() >= until_)
      throw timed_out(client().where(), "'" + queue + "' was not read to its end");
    if (browser_.seen_ < there || browser_.seen_ != before ||
        client().count(queue, until_).value_or(0) > 0)
      continue;
    client().sync(until_);
    connection.catch_up();
    if (done() || browser_.seen_ == before) return;
  }
}

void Visit::add_consumer(const std::string& queue, std::size_t prefetch) {
  client().consume(queue, std::to_string(++made_), static_cast<std::uint16_t>(prefetch),
                   Client::Acks::needed, until_);
}

void Visit::end_reading() {
  const TimePoint limit = std::max(until_, steady_clock::now() + kLeaveWithin);
  for (; cancelled_ < made_; ++cancelled_) client().cancel(std::to_string(cancelled_ + 1), limit);
  browser_.connection_->catch_up();
}

void Visit::drop(std::uint64_t tag) {
  client().ack(tag, false);
  const auto part = std::ranges::find_if(parts_.rbegin(), parts_.rend(),
                                         [tag](const Part& p) { return p.first_tag <= tag; });
  // One that is read just now is counted afterwards.
  --part->kept;
}

void Visit::put_back() {
  end_reading();
  if (parts_.empty()) return;
  client().nack_all();
  const TimePoint limit = std::max(until_, steady_clock::now() + kLeaveWithin);
  client().sync(limit);
  for (const Part& part : parts_)
    while (client().count(part.queue, limit).value_or(static_cast<std::uint32_t>(part.kept)) <
               part.kept &&
           steady_clock::now() < limit)
      std::this_thread::sleep_for(milliseconds(1));
  parts_.clear();
}

}  // namespace gander::rabbitmq
