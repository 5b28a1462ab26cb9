// One broker instance over the C ABI: the only place in core that calls gander_broker_table.
#pragma once

#include <gander/broker.h>
#include <gander/sdk/broker.h>

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "plugin_host.h"
#include "plugin_loader.h"
#include "status.h"

namespace gander {

// A gander_call with a time limit.
class Call {
 public:
  explicit Call(std::chrono::microseconds timeout)
      : abi_{sizeof(gander_call), 0, std::max<std::int64_t>(0, timeout.count()), {}} {}
  [[nodiscard]] const gander_call* abi() const { return &abi_; }

 private:
  gander_call abi_;
};

// Deliveries of one exchange; gives the plugin its memory back when the last user is done.
class TakenBatch {
 public:
  explicit TakenBatch(gander_batch* batch) : batch_(batch) {}
  ~TakenBatch() { batch_->release(batch_); }
  TakenBatch(const TakenBatch&) = delete;
  TakenBatch& operator=(const TakenBatch&) = delete;
  [[nodiscard]] std::size_t size() const { return batch_->count; }
  [[nodiscard]] const gander_message& operator[](std::size_t i) const {
    return *GANDER_AT(gander_message, batch_->items, batch_->item_size, i);
  }

 private:
  gander_batch* batch_;
};

// One connection. Calls on one Session must not overlap, but for interrupt().
class Session {
 public:
  Session(std::shared_ptr<BrokerHandle> broker, gander_session* session);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // `verdicts` has one place per message; NOT_ATTEMPTED where the plugin wrote none.
  Status enqueue(std::span<const gander_message> messages, std::span<gander_status> verdicts,
                 std::chrono::microseconds timeout);
  struct Exchanged {
    std::shared_ptr<TakenBatch> taken;  // null: nothing
    std::int64_t next_due_us = 0;
  };
  Status exchange(std::span<const gander_settle> settles, std::span<gander_status> verdicts,
                  std::span<const gander_take> takes, std::uint64_t max_bytes,
                  std::chrono::microseconds timeout, Exchanged& out);
  // OK: look now. TIMEOUT, CANCELLED; UNSUPPORTED where the broker has no wait.
  Status wait(std::span<const gander_str> queues, std::chrono::microseconds timeout);
  Status tend(std::chrono::microseconds timeout, gander_tend_res& out);
  void interrupt() noexcept;

  [[nodiscard]] gander_session* abi() const { return session_; }
  [[nodiscard]] BrokerHandle& broker() const { return *broker_; }

 private:
  std::shared_ptr<BrokerHandle> broker_;
  gander_session* session_;
};

class BrokerHandle : public std::enable_shared_from_this<BrokerHandle> {
 public:
  // Creates the instance; throws Error(config). `name` is what errors and logs call it.
  BrokerHandle(std::string name, LoadedPlugin plugin,
               const std::map<std::string, std::string>& options,
               std::shared_ptr<const Clock> clock);
  ~BrokerHandle();
  BrokerHandle(const BrokerHandle&) = delete;
  BrokerHandle& operator=(const BrokerHandle&) = delete;

  // Asked of the server once, then remembered; throws Error.
  gander_broker_info info(std::chrono::microseconds timeout = std::chrono::seconds(5));
  // Throws Error(unsupported) that names broker and capability and what has it.
  void need(std::uint64_t capability, std::string_view what);
  // Throws Error.
  std::unique_ptr<Session> open(std::uint32_t role, std::string_view incarnation,
                                std::span<const gander_str> queues,
                                std::chrono::microseconds timeout);
  // An extension table; throws Error(unsupported) where the broker has none.
  const void* extension(const char* id, std::string_view what);
  [[nodiscard]] bool has_wait() const { return table_->wait != nullptr; }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const LoadedPlugin& plugin() const { return plugin_; }
  [[nodiscard]] const Clock& clock() const { return *host_.clock(); }
  [[nodiscard]] const std::shared_ptr<const Clock>& shared_clock() const { return host_.clock(); }
  [[nodiscard]] const gander_broker_table& table() const { return *table_; }

 private:
  std::string name_;
  LoadedPlugin plugin_;
  PluginHost host_;
  const gander_broker_table* table_;
  gander_broker* broker_ = nullptr;
  std::mutex mutex_;
  std::optional<gander_broker_info> info_;
};

}  // namespace gander
