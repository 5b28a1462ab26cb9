#include "executor.h"

#include <cxxabi.h>
#include <gander/log.h>

#include <cstring>

#include "envelope.h"
#include "log.h"
#include "text.h"
#include "utf8.h"

namespace gander {

struct Executor::Plan {
  Envelope envelope;
  const Handler* handler = nullptr;
};

// How a call of middleware and handler ended.
struct Executor::Result {
  enum class Kind { done, failed, discarded, snoozed, unreadable, interrupted } kind = Kind::done;
  std::string error;
  std::chrono::milliseconds delay{0};
};

namespace {

constexpr std::size_t kMaxNote = 4096;

// What a handler throws may be any bytes; a note is text, or a store of text would refuse it.
std::string note_of(std::string_view text) {
  std::size_t n = std::min(text.size(), kMaxNote);
  while (n < text.size() && n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0U) == 0x80U) --n;
  std::string note(text.substr(0, n));
  const bool utf8 = is_utf8(note);
  for (char& c : note) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0 || (byte >= 0x80 && !utf8)) c = '?';
  }
  return note;
}

Context context_of(const gander_message& m, const Envelope& e, std::int64_t now_us) {
  Context c;
  std::array<std::uint8_t, 16> id{};
  std::memcpy(id.data(), m.id.bytes, id.size());
  c.id = Id(id);
  c.job = e.job;
  c.queue = view(m.queue);
  c.attempt = m.attempts + 1;
  c.crashes = m.crashes;
  c.give_backs = m.give_backs;
  c.enqueued_at = time_of(m.enqueued_at_us);
  c.started_at = time_of(now_us);
  if (e.timeout.count() > 0) c.deadline = c.started_at + e.timeout;
  c.trace = e.trace;
  return c;
}

// A hook is the user's code: what it throws must not change what becomes of the message.
void call_hook(const std::function<void(const Failure&)>& hook, const Failure& failure,
               const char* name) {
  if (!hook) return;
  try {
    hook(failure);
  } catch (const std::exception& e) {
    failure.context.log(LogLevel::error, std::string(name) + " threw: " + e.what());
  } catch (...) {
    failure.context.log(LogLevel::error,
                        std::string(name) + " threw something that is not a std::exception");
  }
}

void through(const std::vector<Middleware>& chain, std::size_t i, Context& context,
             const std::function<void()>& last) {
  if (i == chain.size()) return last();
  chain[i](context, [&] { through(chain, i + 1, context, last); });
}

}  // namespace

Settlement Executor::run(Delivery delivery, RunSlot& slot) {
  std::optional<Reader> root;
  Plan plan{Envelope{{}, Reader::null(), 1, 1, {}, {}, {}, {}, {}}, nullptr};
  try {
    root.emplace(document_.parse(view(delivery.message->body), "body"));
    plan.envelope = read_envelope(*root);
  } catch (const std::exception& e) {
    return bury(std::move(delivery), std::string("malformed message: ") + e.what());
  }
  const auto handler = shop_.handlers.find(plan.envelope.job);
  plan.handler = handler == shop_.handlers.end() ? nullptr : &handler->second;
  if (auto refused = refuse(delivery, plan)) return std::move(*refused);
  return execute(std::move(delivery), plan, slot);
}

std::optional<Settlement> Executor::refuse(const Delivery& delivery, const Plan& plan) const {
  const Envelope& e = plan.envelope;
  const auto crashes = static_cast<int>(delivery.message->crashes);
  if (crashes > shop_.max_crashes)
    return bury(delivery,
                "crashed: its process died " + std::to_string(crashes) + " times while it ran");
  if (e.format > 1)
    return park(delivery,
                "message format " + std::to_string(e.format) + " is newer than this worker's 1");
  if (plan.handler == nullptr)
    return park(delivery, "no handler for job '" + std::string(e.job) + "'");
  if (e.payload_version > plan.handler->version)
    return park(delivery, "payload version " + std::to_string(e.payload_version) + " of job '" +
                              std::string(e.job) + "' is newer than this worker's " +
                              std::to_string(plan.handler->version));
  return std::nullopt;
}

// Nothing is spent: it comes again until a worker takes it that knows it.
Settlement Executor::park(Delivery delivery, const std::string& why) const {
  const bool news = view(delivery.message->note).substr(0, 6) != "parked";
  Settlement s = Settlement::of(std::move(delivery), Outcome::snooze);
  s.run_at_us = after(shop_.clock->now_us(), shop_.park_delay);
  s.note = note_of("parked: " + why + "; it runs when a worker that knows it comes");
  if (news) log(LogLevel::warn, s.note, {{"queue", view(s.delivery.message->queue)}});
  return s;
}

Settlement Executor::bury(Delivery delivery, const std::string& why) const {
  Settlement s = Settlement::of(std::move(delivery), Outcome::dead);
  s.failed_at_us = shop_.clock->now_us();
  if (s.first_failed_at_us == 0) s.first_failed_at_us = s.failed_at_us;
  s.note = note_of(why);
  log(LogLevel::error, "dead letter: " + s.note, {{"queue", view(s.delivery.message->queue)}});
  return s;
}

Settlement Executor::execute(Delivery delivery, const Plan& plan, RunSlot& slot) {
  const gander_message& message = *delivery.message;
  const std::int64_t now = shop_.clock->now_us();
  Numbers& n = numbers(plan.envelope.job, view(message.queue));
  record_start(n, message, now);
  Context context = context_of(message, plan.envelope, now);
  const auto began = std::chrono::steady_clock::now();
  const Result result = call(plan, context, slot);
  n.execution.record(std::chrono::steady_clock::now() - began);
  n.processed.add();
  const bool failed = result.kind == Result::Kind::failed ||
                      result.kind == Result::Kind::discarded ||
                      result.kind == Result::Kind::unreadable;
  if (result.kind == Result::Kind::done) n.succeeded.add();
  if (failed) n.failed.add();
  return settle(std::move(delivery), plan, context, result);
}

Executor::Result Executor::call(const Plan& plan, Context& context, RunSlot& slot) {
  using Kind = Result::Kind;
  const auto deadline =
      context.deadline == std::chrono::system_clock::time_point{} ? 0 : us_of(context.deadline);
  slot.begin(context, deadline);
  Result result;
  try {
    if (shop_.middlewares.empty())
      plan.handler->run(context, plan.envelope.args);
    else
      through(shop_.middlewares, 0, context,
              [&] { plan.handler->run(context, plan.envelope.args); });
  } catch (const Discard& e) {
    result = {Kind::discarded, e.what(), {}};
  } catch (const Snooze& e) {
    result = {Kind::snoozed, {}, e.delay()};
  } catch (const DecodeError& e) {
    result = {Kind::unreadable, e.what(), {}};
  } catch (const std::exception& e) {
    result = {Kind::failed, e.what(), {}};
  } catch (abi::__forced_unwind&) {
    slot.end();
    throw;  // pthread_cancel or pthread_exit: swallowing it ends the process
  } catch (...) {
    result = {Kind::failed, "the handler threw something that is not a std::exception", {}};
  }
  // Thrown because it was asked to stop: that is the shutdown's doing, and spends no attempt.
  if (slot.end() && result.kind == Kind::failed) result.kind = Kind::interrupted;
  return result;
}

Settlement Executor::settle(Delivery delivery, const Plan& plan, const Context& context,
                            const Result& result) {
  using Kind = Result::Kind;
  switch (result.kind) {
    case Kind::done: return Settlement::of(std::move(delivery), Outcome::ack);
    case Kind::interrupted: return Settlement::give_back(std::move(delivery));
    case Kind::snoozed: {
      Settlement s = Settlement::of(std::move(delivery), Outcome::snooze);
      s.run_at_us = after(shop_.clock->now_us(), result.delay);
      return s;
    }
    case Kind::discarded:
      return die(std::move(delivery), plan, context, "discarded: " + result.error);
    case Kind::unreadable:
      return die(std::move(delivery), plan, context, "arguments do not fit: " + result.error);
    case Kind::failed: break;
  }
  return fail(std::move(delivery), plan, context, result.error);
}

Settlement Executor::fail(Delivery delivery, const Plan& plan, const Context& context,
                          const std::string& error) {
  const RetryPolicy policy = policy_of(plan);
  const int failures = static_cast<int>(delivery.message->attempts) + 1;
  const double random = std::uniform_real_distribution<double>(0, 1)(random_);
  const Decision decision = decide(policy, failures, random);

  Settlement s = Settlement::of(std::move(delivery), decision.outcome);
  s.attempts = static_cast<std::uint32_t>(failures);
  s.failed_at_us = shop_.clock->now_us();
  if (s.first_failed_at_us == 0) s.first_failed_at_us = s.failed_at_us;
  s.note = note_of(error);
  const bool retry = decision.outcome == Outcome::retry;
  if (retry) {
    s.run_at_us = after(s.failed_at_us, decision.delay);
    s.queue = policy.queue;
  }
  context.log(retry ? LogLevel::warn : LogLevel::error,
              (retry ? "failed, retry later: " : "failed for the last time: ") + s.note);
  const Failure failure{context, error, failures, retry, decision.delay};
  call_hook(policy.on_error, failure, "on_error");
  if (!retry) call_hook(policy.on_death, failure, "on_death");
  return s;
}

// A failure that no retry can mend.
Settlement Executor::die(Delivery delivery, const Plan& plan, const Context& context,
                         const std::string& error) {
  Settlement s = bury(std::move(delivery), error);
  ++s.attempts;
  const RetryPolicy policy = policy_of(plan);
  const Failure failure{context, error, static_cast<int>(s.attempts), false, {}};
  call_hook(policy.on_error, failure, "on_error");
  call_hook(policy.on_death, failure, "on_death");
  return s;
}

RetryPolicy Executor::policy_of(const Plan& plan) const {
  RetryPolicy policy = plan.handler->policy ? *plan.handler->policy : shop_.retry;
  const Envelope& e = plan.envelope;
  if (e.max_retries) policy.max_retries = *e.max_retries;
  if (e.retry_queue && is_queue_name(*e.retry_queue)) policy.queue = *e.retry_queue;
  if (e.skip_dead) policy.skip_dead = *e.skip_dead;
  return policy;
}

Executor::Numbers& Executor::numbers(std::string_view job, std::string_view queue) {
  const auto known = numbers_.find(std::pair(job, queue));
  if (known != numbers_.end()) return known->second;
  const std::vector<Label> labels{{std::string(metric::kFunction), std::string(job)},
                                  {std::string(metric::kQueue), std::string(queue)}};
  Metrics& m = *shop_.metrics;
  return numbers_
      .emplace(
          std::pair(std::string(job), std::string(queue)),
          Numbers{m.counter(metric::kProcessed, labels), m.counter(metric::kSucceeded, labels),
                  m.counter(metric::kFailed, labels), m.histogram(metric::kExecutionTime, labels),
                  m.histogram(metric::kExecutionLatency, labels),
                  m.histogram(metric::kScheduledLatency, labels),
                  m.histogram(metric::kRetryLatency, labels)})
      .first->second;
}

void Executor::record_start(Numbers& numbers, const gander_message& m, std::int64_t now_us) const {
  const auto since = [now_us](std::int64_t us) {
    return static_cast<double>(now_us - us) / 1000.0;
  };
  if (m.attempts > 0) {
    if (now_us > m.run_at_us) numbers.retry.record(since(m.run_at_us));
  } else if (m.run_at_us > 0) {
    numbers.scheduled.record(since(m.run_at_us));
  } else {
    numbers.latency.record(since(m.enqueued_at_us));
  }
}

}  // namespace gander
