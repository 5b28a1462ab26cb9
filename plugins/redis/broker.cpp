// The Redis broker: an instance, its sessions, and the entry point of the plugin.
#include <gander/sdk/broker.hpp>

#include "enqueue.h"
#include "exchange.h"
#include "health.h"
#include "inspect.h"
#include "manage.h"
#include "redis_schema.h"
#include "tend.h"
#include "wait.h"

namespace gander::redis {
namespace {

constexpr std::uint32_t kMaxBatch = 1000;
constexpr gander_call kLastTry{sizeof(gander_call), 0, 1'000'000, {nullptr, 0}};

class ProduceSession final : public sdk::Session {
 public:
  ProduceSession(Instance& instance, const sdk::Deadline& deadline)
      : enqueuer_(instance, deadline) {}
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
               const sdk::Deadline& deadline) override {
    enqueuer_.enqueue(messages, verdicts, deadline);
  }

 private:
  Enqueuer enqueuer_;
};

class ConsumeSession final : public sdk::Session {
 public:
  ConsumeSession(Instance& instance, const sdk::Deadline& deadline, std::string_view incarnation)
      : instance_(instance),
        connection_(instance, deadline),
        leases_(instance, connection_),
        incarnation_(incarnation),
        exchanger_(instance, connection_, incarnation) {
    leases_.begin(incarnation_);
  }
  ~ConsumeSession() override {
    try {
      // A lost connection is no crash: what was held comes back at once and unharmed, if the server
      // can be reached otherwise.
      if (connection_.socket().broken()) {
        Connection another(instance_, sdk::Deadline(&kLastTry));
        Leases(instance_, another).end(incarnation_);
        return;
      }
      connection_.begin_call(sdk::Deadline(nullptr));
      leases_.end(incarnation_);
    } catch (const std::exception& e) {
      // Its lease runs out, and then tend() of a neighbour hands on what it held.
      instance_.host.log(GANDER_LOG_WARN, std::string("closing a session: ") + e.what());
    }
  }

  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) override {
    return exchanger_.exchange(exchange, deadline);
  }

 private:
  Instance& instance_;
  Connection connection_;
  Leases leases_;
  std::string incarnation_;
  Exchanger exchanger_;
};

class WaitSession final : public sdk::Session {
 public:
  WaitSession(Instance& instance, sdk::Queues queues, const sdk::Deadline& deadline)
      : waiter_(instance, queues, deadline) {}
  sdk::Waited wait(sdk::Queues queues, const sdk::Deadline& deadline) override {
    return waiter_.wait(queues, deadline);
  }
  void interrupt() noexcept override { waiter_.interrupt(); }

 private:
  Waiter waiter_;
};

class TendSession final : public sdk::Session {
 public:
  TendSession(Instance& instance, const sdk::Deadline& deadline, std::string_view incarnation)
      : tender_(instance, deadline, incarnation) {}
  gander_tend_res tend(const sdk::Deadline& deadline) override { return tender_.tend(deadline); }

 private:
  Tender tender_;
};

class AdminSession final : public sdk::Session {
 public:
  AdminSession(Instance& instance, const sdk::Deadline& deadline)
      : keys_(instance.keys),
        connection_(instance, deadline),
        leases_(instance, connection_),
        inspector_(instance, connection_),
        manager_(instance, connection_) {}

  void queues(const sdk::QueueVisitor& visit, const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    inspector_.queues(visit);
  }
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit,
                const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    inspector_.messages(queue, state, after, limit, visit);
  }
  void get(const gander_id& id, const sdk::MessageVisitor& visit,
           const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    inspector_.get(id, visit);
  }
  void pause(std::string_view queue, bool paused, const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    manager_.pause(queue, paused);
  }
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                      const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    return manager_.purge(queue, state, before_us);
  }
  void move(const gander_move_req& request, sdk::Verdicts verdicts,
            const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    manager_.move(request, verdicts);
  }
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    manager_.remove(ids, verdicts);
  }
  std::uint64_t reclaim(std::string_view incarnation, const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    leases_.retire(incarnation, true);
    return leases_.hand_on(incarnation, Cause::crashed);
  }
  std::int64_t ping(const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    return server_time(connection_);
  }
  void report(const sdk::HealthVisitor& visit, const sdk::Deadline& deadline) override {
    connection_.begin_call(deadline);
    report_health(connection_, keys_, visit);
  }

 private:
  const Keys& keys_;
  Connection connection_;
  Leases leases_;
  Inspector inspector_;
  Manager manager_;
};

class RedisBroker final : public sdk::Broker {
 public:
  RedisBroker(sdk::Host host, const sdk::Options& options) : instance_(host, options) {}

  gander_broker_info info(const sdk::Deadline& /*deadline*/) override {
    gander_broker_info info{};
    info.max_batch = kMaxBatch;
    info.caps = GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_FRONT |
                GANDER_CAP_IDEMPOTENT | GANDER_CAP_ORDERED | GANDER_CAP_WAIT |
                GANDER_CAP_MULTI_PROCESS | GANDER_CAP_DURABLE | GANDER_CAP_SERVER_CLOCK;
    info.max_body = instance_.settings.max_body;
    info.lease_us = instance_.settings.lease_us;
    sdk::copy_text(info.server, "Redis");
    return info;
  }

  std::unique_ptr<sdk::Session> open(const sdk::SessionOptions& options,
                                     const sdk::Deadline& deadline) override {
    switch (options.role) {
      case GANDER_ROLE_PRODUCE: return std::make_unique<ProduceSession>(instance_, deadline);
      case GANDER_ROLE_CONSUME:
        return std::make_unique<ConsumeSession>(instance_, deadline, options.incarnation);
      case GANDER_ROLE_WAIT:
        return std::make_unique<WaitSession>(instance_, options.queues, deadline);
      case GANDER_ROLE_TEND:
        return std::make_unique<TendSession>(instance_, deadline, options.incarnation);
      default: return std::make_unique<AdminSession>(instance_, deadline);
    }
  }

  [[nodiscard]] bool has_extension(std::string_view id) const override {
    return id == GANDER_EXT_INSPECT || id == GANDER_EXT_MANAGE || id == GANDER_EXT_HEALTH ||
           id == GANDER_EXT_RECLAIM;
  }

 private:
  Instance instance_;
};

}  // namespace
}  // namespace gander::redis

GANDER_BROKER_PLUGIN(gander::redis::RedisBroker, "dev.gander.redis", "redis", "1.0.0", "redis",
                     "rediss")
