// gander/sdk/broker.hpp -- write a broker as two C++ classes. C++20, header-only.
//
// Subclass Session and Broker, name the Broker in GANDER_BROKER_PLUGIN, and the eleven functions of
// the ABI stand. What reaches a Session has been checked: flags, sizes, queue names, priorities.
// What it throws becomes a gander_error. The contract of each function is that of
// gander/sdk/broker.h.
#pragma once

#include <gander/sdk/broker.h>
#include <gander/sdk/ext/health.h>
#include <gander/sdk/ext/inspect.h>
#include <gander/sdk/ext/manage.h>
#include <gander/sdk/ext/migrate.h>
#include <gander/sdk/ext/reclaim.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <gander/sdk/plugin.hpp>

namespace gander::sdk {

using Messages = std::span<const gander_message* const>;
using Settles = std::span<const gander_settle* const>;
using Takes = std::span<const gander_take* const>;
using Verdicts = std::span<gander_status>;
using Queues = std::span<const gander_str>;

// When the call must be back. No limit when the host gave none.
class Deadline {
 public:
  explicit Deadline(const gander_call* call) {
    if (call != nullptr && call->timeout_us >= 0)
      at_ = std::chrono::steady_clock::now() + std::chrono::microseconds(call->timeout_us);
  }
  [[nodiscard]] bool passed() const { return at_ && std::chrono::steady_clock::now() >= *at_; }
  [[nodiscard]] const std::optional<std::chrono::steady_clock::time_point>& at() const {
    return at_;
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> at_;
};

// Deliveries on their way to the host: add() copies what a message points to, once, into blocks
// that live until the host releases the batch.
class Batch {
 public:
  void add(const gander_message& from) {
    gander_message message = from;
    message.queue = str(keep(view(message.queue)));
    message.body = bytes(keep(view(message.body)));
    message.note = str(keep(view(message.note)));
    message.state = GANDER_STATE_LEASED;
    items_.push_back(message);
    body_bytes_ += message.body.len;
  }
  void reserve(std::size_t n) { items_.reserve(n); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }

  // Hands the batch over; the host's release() deletes it. NULL when it is empty.
  static gander_batch* give(std::unique_ptr<Batch> self) {
    if (!self || self->items_.empty()) return nullptr;
    Batch* raw = self.release();
    raw->abi_ = {sizeof(gander_batch),
                 sizeof(gander_message),
                 static_cast<std::uint32_t>(raw->items_.size()),
                 0,
                 raw->items_.data(),
                 raw,
                 [](gander_batch* b) noexcept { delete static_cast<Batch*>(b->plugin_data); }};
    return &raw->abi_;
  }

 private:
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > left_) {
      const std::size_t size = std::max<std::size_t>(text.size(), 16384);
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
      free_ = blocks_.back().get();
      left_ = size;
    }
    std::memcpy(free_, text.data(), text.size());
    const std::string_view kept{free_, text.size()};
    free_ += text.size();
    left_ -= text.size();
    return kept;
  }

  gander_batch abi_{};
  std::vector<gander_message> items_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  std::size_t left_ = 0;
  std::uint64_t body_bytes_ = 0;
};

struct Exchange {
  Settles settles;
  Verdicts verdicts;  // one per settle, to be written
  Takes takes;
  std::uint64_t max_bytes;  // 0: no limit
};
struct Taken {
  std::unique_ptr<Batch> batch;  // may stay null
  std::int64_t next_due_us = 0;  // 0: nothing is to fall due

  // Of all times told, the earliest is kept.
  void due_at(std::int64_t run_at_us) {
    if (next_due_us == 0 || run_at_us < next_due_us) next_due_us = run_at_us;
  }
};
enum class Waited { arrived, timeout, cancelled };

// Thrown by purge() when the deadline cuts it short: TIMEOUT, and the host still learns how many.
class PartlyDone : public Error {
 public:
  PartlyDone(std::uint64_t done, const std::string& text)
      : Error(GANDER_TIMEOUT, text, GANDER_ERROR_RETRYABLE), done_(done) {}
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }

 private:
  std::uint64_t done_;
};

using QueueVisitor = std::function<bool(const gander_queue_stat&)>;  // false stops the list
using MessageVisitor = std::function<bool(const gander_message&, std::string_view cursor)>;
using HealthVisitor = std::function<bool(const gander_health_item&)>;

// One connection. Override what its role needs; the rest says UNSUPPORTED.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  virtual void enqueue(Messages, Verdicts, const Deadline&) { unsupported("enqueue"); }
  virtual Taken exchange(const Exchange&, const Deadline&) { unsupported("exchange"); }
  virtual Waited wait(Queues, const Deadline&) { unsupported("wait"); }
  virtual gander_tend_res tend(const Deadline&) { unsupported("tend"); }
  virtual void interrupt() noexcept {}

  // inspect/1
  virtual void queues(const QueueVisitor&, const Deadline&) { unsupported("queues"); }
  virtual void messages(std::string_view /*queue*/, std::uint32_t /*state*/,
                        std::string_view /*after*/, std::uint32_t /*limit*/, const MessageVisitor&,
                        const Deadline&) {
    unsupported("messages");
  }
  virtual void get(const gander_id&, const MessageVisitor&, const Deadline&) { unsupported("get"); }
  // manage/1
  virtual void pause(std::string_view /*queue*/, bool /*paused*/, const Deadline&) {
    unsupported("pause");
  }
  virtual std::uint64_t purge(std::string_view /*queue*/, std::uint32_t /*state*/,
                              std::int64_t /*before_us*/, const Deadline&) {
    unsupported("purge");
  }
  virtual void move(const gander_move_req&, Verdicts, const Deadline&) { unsupported("move"); }
  virtual void remove(std::span<const gander_id>, Verdicts, const Deadline&) {
    unsupported("remove");
  }
  // health/1: ping returns the server's clock, or 0
  virtual std::int64_t ping(const Deadline&) { unsupported("ping"); }
  virtual void report(const HealthVisitor&, const Deadline&) { unsupported("report"); }
  // migrate/1: the script is empty when there is nothing to do
  virtual std::string migration_script(const Deadline&) { unsupported("script"); }
  virtual gander_migrate_res migrate(const Deadline&) { unsupported("migrate"); }
  // reclaim/1: how many deliveries were handed on
  virtual std::uint64_t reclaim(std::string_view /*incarnation*/, const Deadline&) {
    unsupported("reclaim");
  }

 private:
  [[noreturn]] static void unsupported(const char* what) {
    throw Error(GANDER_UNSUPPORTED,
                std::string(what) + " is not for a session of this role or this broker");
  }
};

struct SessionOptions {
  std::uint32_t role;
  std::string_view incarnation;
  Queues queues;
};

// One instance. Its constructor takes (Host, const Options&), and does no I/O.
class Broker {
 public:
  Broker() = default;
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  virtual ~Broker() = default;

  // struct_size is filled in afterwards.
  virtual gander_broker_info info(const Deadline&) = 0;
  virtual std::unique_ptr<Session> open(const SessionOptions&, const Deadline&) = 0;
  // GANDER_EXT_INSPECT, _MANAGE, _HEALTH, _MIGRATE, _RECLAIM: those whose functions the ADMIN
  // session has.
  [[nodiscard]] virtual bool has_extension(std::string_view /*id*/) const { return false; }
};

}  // namespace gander::sdk

#include <gander/sdk/broker_table.hpp>

// Defines the entry point. SCHEMES are string literals: GANDER_BROKER_PLUGIN(My, "org.me.my", "my",
// "1.0", "my") Needs the header that gander_add_plugin() writes from schema.json.
#define GANDER_BROKER_PLUGIN(TYPE, ID, NAME, VERSION, ...)                         \
  extern "C" GANDER_EXPORT const gander_plugin* gander_plugin_v1(                  \
      std::uint32_t host_abi) noexcept {                                           \
    static const char* const schemes[] = {__VA_ARGS__, nullptr};                   \
    static const gander_broker_table table =                                       \
        gander::sdk::broker_table<TYPE>(gander_generated::kOptions);               \
    static const gander_component component = {GANDER_BROKER_KIND, NAME, schemes,  \
                                               gander_generated::kSchema, &table}; \
    static const gander_plugin plugin = {sizeof(gander_plugin),                    \
                                         GANDER_ABI,                               \
                                         GANDER_ABI_MAJOR << 16,                   \
                                         0,                                        \
                                         ID,                                       \
                                         VERSION,                                  \
                                         "",                                       \
                                         "",                                       \
                                         "",                                       \
                                         GANDER_COMPILER,                          \
                                         sizeof(gander_component),                 \
                                         1,                                        \
                                         &component};                              \
    return (host_abi >> 16) == GANDER_ABI_MAJOR ? &plugin : nullptr;               \
  }
