#include <gander/client.h>

#include <algorithm>
#include <cstring>

#include "broker_handle.h"
#include "envelope.h"
#include "producer.h"
#include "text.h"

namespace gander {
namespace {

using std::chrono::steady_clock;

constexpr auto kLongestRun = std::chrono::hours(24 * 24);  // in ms it fits the format's 31 bits

Writer& body_scratch() {
  thread_local Writer writer;
  writer.clear();
  return writer;
}

// Where a message goes and when, from the options; body and id are still to come.
gander_message header_of(const EnqueueOptions& options,
                         std::optional<std::chrono::milliseconds> delay, BrokerHandle& broker) {
  check_queue_name(options.queue);
  if (options.retry_queue) check_queue_name(*options.retry_queue);
  if (options.max_retries && *options.max_retries < 0)
    throw Error(Code::invalid_argument,
                "retries(" + std::to_string(*options.max_retries) + "): 0 or more are possible");
  if (options.timeout && (options.timeout->count() < 1 || *options.timeout > kLongestRun))
    throw Error(Code::invalid_argument, "timeout(" + std::to_string(options.timeout->count()) +
                                            " ms): 1 ms to 24 days are possible");
  gander_message m{};
  m.queue = str(options.queue);
  m.enqueued_at_us = broker.clock().now_us();
  m.priority = static_cast<std::uint32_t>(options.priority);
  if (options.priority != Priority::normal) broker.need(GANDER_CAP_PRIORITY, "priorities");
  const bool timed = delay || options.run_at != std::chrono::system_clock::time_point{};
  if (!timed) return m;
  m.run_at_us = delay ? after(m.enqueued_at_us, *delay) : us_of(options.run_at);
  if (m.run_at_us <= m.enqueued_at_us) {
    m.run_at_us =
        0;  // an instant that has passed: it is late already, so not behind those that wait
    if ((broker.info().caps & GANDER_CAP_FRONT) != 0) m.flags = GANDER_MESSAGE_FRONT;
  } else {
    broker.need(GANDER_CAP_SCHEDULE, "scheduled jobs");
  }
  return m;
}

void set_id(gander_message& m, const Id& id) {
  std::memcpy(m.id.bytes, id.bytes().data(), id.bytes().size());
}

// Runs the chain, then `last`; false when a middleware dropped the message.
bool through(const std::vector<ClientMiddleware>& chain, Outgoing& message) {
  bool reached = false;
  std::function<void(std::size_t)> step = [&](std::size_t i) {
    if (i == chain.size())
      reached = true;
    else
      chain[i](message, [&step, i] { step(i + 1); });
  };
  step(0);
  return reached;
}

}  // namespace

Enqueuer::Enqueuer(std::shared_ptr<Producer> producer, EnqueueOptions options)
    : producer_(std::move(producer)), options_(std::move(options)) {}

Enqueuer Enqueuer::on(std::string queue) const {
  Enqueuer next = *this;
  next.options_.queue = std::move(queue);
  return next;
}
Enqueuer Enqueuer::in(std::chrono::milliseconds delay) const {
  Enqueuer next = *this;
  next.delay_ = delay;
  return next;
}
Enqueuer Enqueuer::at(std::chrono::system_clock::time_point when) const {
  Enqueuer next = *this;
  next.options_.run_at = when;
  next.delay_.reset();
  return next;
}
Enqueuer Enqueuer::priority(Priority priority) const {
  Enqueuer next = *this;
  next.options_.priority = priority;
  return next;
}
Enqueuer Enqueuer::id(Id id) const {
  Enqueuer next = *this;
  next.options_.id = id;
  return next;
}
Enqueuer Enqueuer::retries(int max) const {
  Enqueuer next = *this;
  next.options_.max_retries = max;
  return next;
}
Enqueuer Enqueuer::retry_on(std::string queue) const {
  Enqueuer next = *this;
  next.options_.retry_queue = std::move(queue);
  return next;
}
Enqueuer Enqueuer::skip_dead(bool yes) const {
  Enqueuer next = *this;
  next.options_.skip_dead = yes;
  return next;
}
Enqueuer Enqueuer::timeout(std::chrono::milliseconds of_a_run) const {
  Enqueuer next = *this;
  next.options_.timeout = of_a_run;
  return next;
}
Enqueuer Enqueuer::trace(std::string traceparent) const {
  Enqueuer next = *this;
  next.options_.trace = std::move(traceparent);
  return next;
}
Enqueuer Enqueuer::within(std::chrono::milliseconds deadline) const {
  Enqueuer next = *this;
  next.options_.deadline = deadline;
  return next;
}
Enqueuer Enqueuer::with(EnqueueOptions options) const {
  Enqueuer next = *this;
  next.options_ = std::move(options);
  return next;
}

Writer& Enqueuer::scratch() {
  thread_local Writer writer;
  writer.clear();
  return writer;
}

namespace {

// One message ready to send, or dropped by a middleware. `options` is taken by value, as
// middlewares may change it.
struct Prepared {
  OwnedMessage message;
  Id id;
  bool dropped = false;
};

Prepared prepare(Producer& producer, EnqueueOptions options,
                 std::optional<std::chrono::milliseconds> delay, std::string_view job, int version,
                 std::string_view args) {
  check_job_name(job);
  Prepared p{{}, options.id.value_or(Id{}), false};
  if (!options.id) p.id = Id::make();
  Outgoing outgoing{p.id, std::string(job), std::string(args), options.queue, options.trace};
  if (!producer.middlewares.empty()) {
    p.dropped = !through(producer.middlewares, outgoing);
    if (p.dropped) return p;
    options.queue = outgoing.queue;
    options.trace = outgoing.trace;
    p.id = outgoing.id;
  }
  p.message.message = header_of(options, delay, producer.broker());
  set_id(p.message.message, p.id);
  Writer& body = body_scratch();
  write_envelope(body, outgoing.job, version, outgoing.args, options);
  p.message.body = body.text();
  p.message.queue = options.queue;
  return p;
}

}  // namespace

Id Enqueuer::send(std::string_view job, int version, std::string_view args) const {
  const auto deadline = steady_clock::now() + options_.deadline;
  if (producer_->middlewares.empty()) {  // nothing may change it, so nothing is copied
    check_job_name(job);
    gander_message m = header_of(options_, delay_, producer_->broker());
    const Id id = options_.id ? *options_.id : Id::make();
    set_id(m, id);
    Writer& body = body_scratch();
    write_envelope(body, job, version, args, options_);
    m.body = bytes(body.text());
    producer_->send({&m, 1}, deadline);
    return id;
  }
  const Prepared p = prepare(*producer_, options_, delay_, job, version, args);
  if (p.dropped) return p.id;
  const gander_message m = p.message.abi();
  producer_->send({&m, 1}, deadline);
  return p.id;
}

std::future<Id> Enqueuer::send_async(std::string_view job, int version,
                                     std::string_view args) const {
  Prepared p = prepare(*producer_, options_, delay_, job, version, args);
  if (p.dropped) {
    std::promise<Id> done;
    done.set_value(p.id);
    return done.get_future();
  }
  return producer_->send_async(std::move(p.message), steady_clock::now() + options_.deadline);
}

Id Enqueuer::enqueue_json(std::string_view job, std::string_view args, int payload_version) const {
  Document document;
  const Reader array = document.parse(args, "args");
  static_cast<void>(array.size());  // refuses what is not an array
  if (payload_version < 1)
    throw Error(Code::invalid_argument,
                "payload version " + std::to_string(payload_version) + ": 1 or more are possible");
  return send(job, payload_version, array.to_json());
}

// Bodies of one batch side by side in one block, sent when it is as large as the broker takes.
struct Enqueuer::Bulk::Impl {
  const Enqueuer& to;
  std::string job;
  int version;
  std::size_t limit;
  gander_message header{};
  std::string bodies;
  std::vector<gander_message> messages;  // body.len is right, body.ptr is set when it is sent
  std::vector<Id> ids;
  std::size_t sent = 0;

  void send() {
    std::size_t at = 0;
    for (auto& m : messages) {
      m.body.ptr = bodies.data() + at;
      at += m.body.len;
    }
    try {
      to.producer_->send(messages, steady_clock::now() + to.options_.deadline);
    } catch (const Error& e) {
      throw Error(
          e.code(),
          std::string(e.what()) + " (" + std::to_string(sent) + " messages before it are enqueued)",
          e.retryable());
    }
    sent += messages.size();
    messages.clear();
    bodies.clear();
  }
};

Enqueuer::Bulk::Bulk(const Enqueuer& to, std::string_view job, int version)
    : impl_(new Impl{to,
                     std::string(job),
                     version,
                     std::min<std::size_t>(to.producer_->max_batch(), 500),
                     header_of(to.options_, to.delay_, to.producer_->broker()),
                     {},
                     {},
                     {},
                     0}) {
  if (to.options_.id)
    throw Error(Code::invalid_argument, "enqueue_all() under one id(): each message needs its own");
  check_job_name(job);
}
Enqueuer::Bulk::~Bulk() = default;

void Enqueuer::Bulk::add(std::string_view args) {
  Impl& b = *impl_;
  if (!b.to.producer_->middlewares.empty()) {
    const Prepared p = prepare(*b.to.producer_, b.to.options_, b.to.delay_, b.job, b.version, args);
    b.ids.push_back(p.id);
    if (p.dropped) return;
    const gander_message m = p.message.abi();
    b.to.producer_->send({&m, 1}, steady_clock::now() + b.to.options_.deadline);
    ++b.sent;
    return;
  }
  Writer& body = body_scratch();
  write_envelope(body, b.job, b.version, args, b.to.options_);
  gander_message m = b.header;
  b.ids.push_back(Id::make());
  set_id(m, b.ids.back());
  b.bodies += body.text();
  m.body.len = body.text().size();
  b.messages.push_back(m);
  if (b.messages.size() >= b.limit) b.send();
}

std::vector<Id> Enqueuer::Bulk::finish() {
  if (!impl_->messages.empty()) impl_->send();
  return std::move(impl_->ids);
}

Client::Client(const Broker& broker, EnqueueOptions defaults)
    : Client(std::make_shared<Producer>(broker.handle()), std::move(defaults)) {}

Client::Client(std::shared_ptr<Producer> producer, EnqueueOptions defaults)
    : Enqueuer(producer, std::move(defaults)), producer_(std::move(producer)) {}

Client& Client::use(ClientMiddleware middleware) {
  producer_->middlewares.push_back(std::move(middleware));
  return *this;
}

}  // namespace gander
