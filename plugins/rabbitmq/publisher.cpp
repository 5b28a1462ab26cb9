#include "publisher.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <shared_mutex>
#include <utility>

#include "error.h"
#include "state.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

// Between two looks at what the server says meanwhile: that it is blocked, or has closed the line.
constexpr std::size_t kLookEvery = 64;
constexpr std::chrono::milliseconds kLastConfirms{200};
// What has no confirm after that is asked for otherwise (quorums.h), and its answer looked for.
constexpr std::chrono::milliseconds kDoubtAfter{2000};
constexpr std::chrono::milliseconds kDoubtEvery{100};
// Below any sensible max_message_size.
constexpr std::size_t kSurelyTaken = 4096;

// "message size 20000 is larger than configured max size 10000"
std::optional<std::size_t> max_size_in(std::string_view text) {
  constexpr std::string_view kBefore = " max size ";
  const auto at = text.find(kBefore);
  std::size_t size = 0;
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view digits = text.substr(at + kBefore.size());
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), size);
  return error == std::errc() ? std::optional(size) : std::nullopt;
}

}  // namespace

Publisher::Call::Call(Publisher& publisher, TimePoint until) : publisher_(publisher) {
  std::unique_lock lock(publisher.mutex_);
  if (!publisher.idle_.wait_until(lock, until, [&] { return !publisher.busy_; }))
    throw timed_out(publisher.instance_.settings.where(), "another call was publishing");
  publisher.busy_ = true;
}

Publisher::Call::~Call() {
  const std::lock_guard lock(publisher_.mutex_);
  publisher_.busy_ = false;
  publisher_.idle_.notify_one();
}

Publisher::~Publisher() { drop_connection(); }

void Publisher::drop_connection() {
  if (!connection_) return;
  connection_->stop();
  connection_->client().close(steady_clock::now() + std::chrono::seconds(1));
  connection_.reset();
}

void Publisher::connect(TimePoint until) {
  const Call call(*this, until);
  connected(until);
}

// In turn: the next call makes it anew.
void Publisher::abandon(const sdk::Error& why) {
  try {
    if (!connection_->client().lost()) connection_->client().lose(why);
  } catch (const sdk::Error&) {
    // lose() throws what it is told.
  }
}

Connection& Publisher::connected(TimePoint until) {
  if (connection_ && !connection_->lost() && !held_up()) return *connection_;
  connection_.reset();
  builder_.forget_all();
  blocked_.clear();
  unconfirmed_.clear();
  overdue_.clear();
  first_ = 1;
  max_size_ = SIZE_MAX;
  surely_taken_ = kSurelyTaken;
  const TimePoint limit = std::min(until, steady_clock::now() + instance_.settings.connect_timeout);
  connection_ = std::make_unique<Connection>(instance_.settings, what_, limit, *this);
  const Connection::Turn turn(*connection_, limit);
  connection_->client().confirm_select(limit);
  return *connection_;
}

std::string Publisher::server() {
  const Call call(*this, TimePoint::max());
  return connection_ ? connection_->client().server() : std::string();
}

void Publisher::publish_locked(std::span<Outgoing> items, WhenBlocked when_blocked,
                               TimePoint until) {
  std::size_t max_size = SIZE_MAX;
  for (bool again = false;; again = true) {
    const Connection::Turn turn(connected(until), until);
    max_size_ = std::min(max_size_, max_size);
    try {
      return publish_in_turn(items, when_blocked, until);
    } catch (const sdk::Error& e) {
      const bool none_stored = learn_limit(e) || (!again && level_gone(e));
      max_size = max_size_;
      const auto stored = [](const Outgoing& o) { return o.result == Outgoing::Result::stored; };
      const bool maybe = undecided_ > 0 || std::ranges::any_of(items, stored);
      forget_items();
      if (!none_stored)
        throw sdk::Error(e.code(), e.what(),
                         e.flags() | (maybe ? std::uint32_t{GANDER_ERROR_MAYBE_APPLIED} : 0U),
                         e.native_code(), e.native());
    } catch (const std::exception& e) {
      // Half a frame may be left to send, and confirms may come for what is the caller's no more.
      forget_items();
      abandon(lost_connection(connection_->client().where(), e.what()));
      throw;
    }
  }
}

void Publisher::publish_in_turn(std::span<Outgoing> items, WhenBlocked when_blocked,
                                TimePoint until) {
  connection_->catch_up();
  leave_out_away(items);
  ensure_ways(items, until);
  wait_unblocked(when_blocked, until);
  send_all(items, when_blocked, until);
  const auto unrouted = [](const Outgoing& o) { return o.result == Outgoing::Result::unrouted; };
  if (std::ranges::any_of(items, unrouted)) {
    make_anew(items, until);
    send_all(items, when_blocked, until);
  }
}

// The server takes publishes in turn: if it was this one that closed the channel, then none of what
// has no answer is stored. Had others gone before it, only the caller could say whether they may be
// stored twice.
const Outgoing* Publisher::first_waiting() const {
  const auto waits = [](const Outgoing* o) {
    return o != nullptr && o->result == Outgoing::Result::waiting;
  };
  const auto first = std::ranges::find_if(unconfirmed_, waits);
  return first == unconfirmed_.end() || !connection_->client().lost() ? nullptr : *first;
}

// Whether it was one to a level of the cascade that was deleted.
bool Publisher::level_gone(const sdk::Error& e) const {
  const Outgoing* first = e.native_code() == AMQP_NOT_FOUND ? first_waiting() : nullptr;
  return first != nullptr && first->to == Outgoing::To::later &&
         std::string_view(e.what()).find("'" + level_of(*first) + "'") != std::string_view::npos;
}

// Whether it was one that is larger than the server takes, of which it did not know before.
bool Publisher::learn_limit(const sdk::Error& e) {
  const Outgoing* first = e.code() == GANDER_TOO_LARGE ? first_waiting() : nullptr;
  const auto size = max_size_in(e.what());
  if (first == nullptr || !size || *size >= max_size_) return false;
  max_size_ = *size;
  limit_error_.emplace(e.code(), e.what(), 0U, e.native_code(), e.native());
  encode(payload_, *first->message, first->state);
  return payload_.size() > max_size_;
}

std::string Publisher::level_of(const Outgoing& o) const {
  return instance_.names.level(first_level(o.delay_s));
}

// The queue that it goes to; of a level, also its exchange.
std::string Publisher::target(const Outgoing& o, std::string_view address) const {
  switch (o.to) {
    case Outgoing::To::alone: return instance_.names.alone(address);
    case Outgoing::To::dead: return instance_.names.dead(address);
    case Outgoing::To::later: return level_of(o);
    case Outgoing::To::work: break;
  }
  return instance_.names.work(address, o.message->priority);
}

void Publisher::ensure_queues(std::span<const std::string> queues, TimePoint until) {
  const Call call(*this, until);
  const Connection::Turn turn(connected(until), until);
  std::vector<Part> parts = {{Part::Kind::base, {}}};
  for (const std::string& queue : queues) {
    builder_.forget(parts.emplace_back(Part{Part::Kind::queue, queue}));
  }
  ensure_parts(parts, until);
}

void Publisher::ensure_parts(std::span<const Part> parts, TimePoint until) {
  const auto note = [&](std::string_view queue) { register_name(queue, until); };
  builder_.ensure(*connection_, parts, note, until);
}

void Publisher::ensure_ways(std::span<const Outgoing> items, TimePoint until) {
  std::vector<Part> parts = {{Part::Kind::base, {}}};
  const auto add = [&](Part::Kind kind, std::string_view queue) {
    const auto same = [&](const Part& p) { return p.kind == kind && p.queue == queue; };
    if (std::ranges::none_of(parts, same)) parts.push_back({kind, std::string(queue)});
  };
  std::string_view last;
  for (const Outgoing& o : items) {
    if (o.result == Outgoing::Result::away) continue;
    if (o.to == Outgoing::To::later) add(Part::Kind::cascade, {});
    const std::string_view queue = sdk::view(o.message->queue);
    if (queue != last) add(Part::Kind::queue, last = queue);
  }
  ensure_parts(parts, until);
}

// What was deleted behind our back. Of a queue that is deleted and made again in the same moment
// the server tells the consumers nothing, and a channel drops as many messages of the new one as it
// had of the old, taking them for the same. So its workers hear of it first.
void Publisher::make_anew(std::span<Outgoing> items, TimePoint until) {
  std::set<std::string_view> gone;
  for (Outgoing& o : items) {
    if (o.result != Outgoing::Result::unrouted) continue;
    o.result = Outgoing::Result::waiting;
    const std::string_view queue = sdk::view(o.message->queue);
    builder_.forget({Part::Kind::queue, std::string(queue)});
    if (o.to == Outgoing::To::later) builder_.forget({Part::Kind::cascade, {}});
    const bool consumed = o.to == Outgoing::To::work || o.to == Outgoing::To::alone;
    if (consumed && gone.insert(queue).second)
      say(instance_.names.control(), listeners_key(address_of(queue)),
          std::string(kMadeAnew) + std::string(queue), until);
  }
  ensure_ways(items, until);
}

void Publisher::wait_unblocked(WhenBlocked when_blocked, TimePoint until) {
  while (!blocked_.empty()) {
    if (when_blocked == WhenBlocked::fail || !connection_->listen(until))
      throw blocked(connection_->client().where(), blocked_);
  }
}

void Publisher::send_all(std::span<Outgoing> items, WhenBlocked when_blocked, TimePoint until) {
  std::shared_lock arriving(instance_.arrivals, std::defer_lock);
  Instance::lock_for_a_moment(arriving);
  std::size_t sent = 0;
  for (Outgoing& o : items) {
    if (o.result != Outgoing::Result::waiting) continue;
    send(o, when_blocked, until);
    if (++sent % kLookEvery != 0) continue;
    flush(when_blocked, until);
    connection_->catch_up();
  }
  flush(when_blocked, until);
  await_results(when_blocked, until);
}

// A server with an alarm reads no more, after it has said so. What it has read in part it may be
// sent no other way than to the end, so then the connection is of no more use.
void Publisher::flush(WhenBlocked when_blocked, TimePoint until) {
  TimePoint limit = until;
  while (!connection_->client().flush(limit)) {
    connection_->catch_up();
    const TimePoint now = steady_clock::now();
    if (when_blocked == WhenBlocked::fail && !blocked_.empty())
      limit = std::min(limit, now + kLastConfirms);
    if (now < limit) continue;
    const std::string& where = connection_->client().where();
    connection_->client().lose(blocked_.empty() ? timed_out(where, "the server did not read")
                                                : blocked(where, blocked_));
  }
}

// A job's last error gives way: a successor that is never stored would never leave its worker.
void Publisher::encode_to_fit(const Outgoing& o) {
  encode(payload_, *o.message, o.state);
  if (payload_.size() <= max_size_ || o.message->note.len == 0) return;
  gander_message bare = *o.message;
  bare.note = {};
  encode(payload_, bare, o.state);
}

void Publisher::send(Outgoing& o, WhenBlocked when_blocked, TimePoint until) {
  const gander_message& m = *o.message;
  encode_to_fit(o);
  if (payload_.size() > max_size_) {
    o.result = Outgoing::Result::too_large;
    return;
  }
  // One that the server refuses closes the channel, and leaves what has no answer in doubt: so the
  // first of its size is sent when all before it have theirs.
  if (payload_.size() > surely_taken_) {
    flush(when_blocked, until);
    await_results(when_blocked, until);
    surely_taken_ = payload_.size();
  }
  if (sdk::view(m.queue) != queue_) {
    queue_ = sdk::view(m.queue);
    address_ = address_of(queue_);
  }
  std::string exchange, key = target(o, address_);
  if (o.to == Outgoing::To::later) {
    exchange = std::move(key);
    key = delay_key(o.delay_s, address_, m.priority);
  }
  // Noted first: a publish that fails half-way may have been sent.
  unconfirmed_.push_back(&o);
  ++undecided_;
  connection_->client().publish(exchange, key, payload_);
  if (connection_->client().has_much_to_flush()) flush(when_blocked, until);
}

// The server says that it is blocked when it has read a publish, and that one it still confirms.
void Publisher::await_results(WhenBlocked when_blocked, TimePoint until) {
  const TimePoint start = steady_clock::now();
  TimePoint look_at = start + std::min<TimePoint::duration>(kDoubtAfter, (until - start) / 2);
  while (undecided_ > 0) {
    if (when_blocked == WhenBlocked::fail && !blocked_.empty())
      until = std::min(until, steady_clock::now() + kLastConfirms);
    if (connection_->listen(std::min(until, look_at))) continue;
    if (look_at < until) {
      if (blocked_.empty()) doubt_silent();
      look_at = steady_clock::now() + kDoubtEvery;
      continue;
    }
    if (!blocked_.empty()) throw blocked(connection_->client().where(), blocked_);
    throw timed_out(connection_->client().where(), "the server did not confirm");
  }
}

void Publisher::on_event(const Event& event) {
  switch (event.kind) {
    case Event::Kind::confirmed:
    case Event::Kind::refused: return decide(event);
    case Event::Kind::returned: return note_returned(event);
    case Event::Kind::blocked: blocked_ = event.text.empty() ? "blocked" : event.text; return;
    case Event::Kind::unblocked: blocked_.clear(); return;
    case Event::Kind::channel_closed:
      connection_->client().lose(closed_by_server(
          event.code, event.text, true, connection_->client().where(), "publishing", event.method));
    default: return;
  }
}

void Publisher::decide(const Event& event) {
  const auto result =
      event.kind == Event::Kind::confirmed ? Outgoing::Result::stored : Outgoing::Result::refused;
  const auto one = [&](Outgoing*& o) {
    if (o == nullptr) return;
    // What came back is confirmed as well, after it came back.
    if (o->result == Outgoing::Result::waiting) o->result = result;
    o = nullptr;
    --undecided_;
  };
  if (event.tag < first_ || event.tag - first_ >= unconfirmed_.size()) return;
  const auto at = static_cast<std::ptrdiff_t>(event.tag - first_);
  std::for_each(event.multiple ? unconfirmed_.begin() : unconfirmed_.begin() + at,
                unconfirmed_.begin() + at + 1, one);
  while (!unconfirmed_.empty() && unconfirmed_.front() == nullptr) {
    unconfirmed_.pop_front();
    ++first_;
  }
  if (unconfirmed_.empty()) overdue_.clear();
}

void Publisher::note_returned(const Event& event) {
  const auto same = [&](const Outgoing* o) {
    return o != nullptr && o->result == Outgoing::Result::waiting &&
           has_id(event.body, o->message->id);
  };
  const auto it = std::ranges::find_if(unconfirmed_, same);
  if (it != unconfirmed_.end())
    (*it)->result = Outgoing::Result::unrouted;
  else if (event.body == saying_)
    unheard_ = true;
}

// The items are the caller's: an answer that comes later has nobody to go to.
void Publisher::forget_items() {
  for (const Outgoing* o : unconfirmed_) {
    if (o == nullptr || o->result != Outgoing::Result::waiting || o->message->queue.len == 0)
      continue;
    if (std::ranges::find(overdue_, o->part()) == overdue_.end()) overdue_.push_back(o->part());
  }
  std::ranges::fill(unconfirmed_, nullptr);
  undecided_ = 0;
}

}  // namespace gander::rabbitmq
