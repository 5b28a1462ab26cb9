// The RabbitMQ broker: an instance, its sessions, and the entry point of the plugin.
#include <gander/sdk/broker.hpp>

#include "enqueue.h"
#include "exchange.h"
#include "health.h"
#include "inspect.h"
#include "manage.h"
#include "rabbitmq_schema.h"
#include "tend.h"

namespace gander::rabbitmq {
namespace {

// As many as a window of unconfirmed messages is good for.
constexpr std::uint32_t kMaxBatch = 2000;

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
  ConsumeSession(Instance& instance, std::string_view incarnation, const sdk::Deadline& deadline)
      : consumer_(instance, incarnation, deadline) {}
  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) override {
    return consumer_.exchange(exchange, deadline);
  }

 private:
  Consumer consumer_;
};

// Needs no connection: what the server pushes comes to that of the CONSUME session, which rings.
class WaitSession final : public sdk::Session {
 public:
  explicit WaitSession(Instance& instance) : waiter_(instance.bell) {}
  sdk::Waited wait(sdk::Queues queues, const sdk::Deadline& deadline) override {
    return waiter_.wait(queues, deadline);
  }
  void interrupt() noexcept override { waiter_.interrupt(); }

 private:
  sdk::Doorbell::Waiter waiter_;
};

class TendSession final : public sdk::Session {
 public:
  TendSession(Instance& instance, std::string_view incarnation) : tender_(instance, incarnation) {}
  gander_tend_res tend(const sdk::Deadline& deadline) override { return tender_.tend(deadline); }

 private:
  Tender tender_;
};

class AdminSession final : public sdk::Session {
 public:
  AdminSession(Instance& instance, const sdk::Deadline& deadline)
      : instance_(instance),
        browser_(instance, limit_of(deadline, instance.settings)),
        publisher_(instance, "gander admin (publishes)"),
        inspector_(instance, browser_, publisher_),
        manager_(instance, browser_, publisher_) {}

  void queues(const sdk::QueueVisitor& visitor, const sdk::Deadline& deadline) override {
    inspector_.queues(visitor, deadline);
  }
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visitor,
                const sdk::Deadline& deadline) override {
    inspector_.messages(queue, state, after, limit, visitor, deadline);
  }
  void get(const gander_id& id, const sdk::MessageVisitor& visitor,
           const sdk::Deadline& deadline) override {
    inspector_.get(id, visitor, deadline);
  }
  void pause(std::string_view queue, bool paused, const sdk::Deadline& deadline) override {
    manager_.pause(queue, paused, deadline);
  }
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                      const sdk::Deadline& deadline) override {
    return manager_.purge(queue, state, before_us, deadline);
  }
  void move(const gander_move_req& request, sdk::Verdicts verdicts,
            const sdk::Deadline& deadline) override {
    manager_.move(request, verdicts, deadline);
  }
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const sdk::Deadline& deadline) override {
    manager_.remove(ids, verdicts, deadline);
  }
  // The server tells nobody its time.
  std::int64_t ping(const sdk::Deadline& deadline) override {
    browser_.ping(limit_of(deadline, instance_.settings));
    return 0;
  }
  void report(const sdk::HealthVisitor& visitor, const sdk::Deadline& deadline) override {
    report_health(instance_, browser_, publisher_, visitor, deadline);
  }

 private:
  Instance& instance_;
  Browser browser_;
  Publisher publisher_;
  Inspector inspector_;
  Manager manager_;
};

class RabbitBroker final : public sdk::Broker {
 public:
  RabbitBroker(sdk::Host host, const sdk::Options& options) : instance_(host, options) {}

  gander_broker_info info(const sdk::Deadline& /*deadline*/) override {
    gander_broker_info info{};
    info.max_batch = kMaxBatch;
    info.caps = GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_WAIT |
                GANDER_CAP_MULTI_PROCESS | GANDER_CAP_DURABLE | GANDER_CAP_SERVER_CLOCK |
                GANDER_CAP_INSTANT_RECLAIM;
    info.max_body = instance_.settings.max_body;
    // Its own thread answers heartbeats, so an incarnation lives as long as its process.
    info.lease_us = 0;
    sdk::copy_text(info.server, "RabbitMQ");
    return info;
  }

  std::unique_ptr<sdk::Session> open(const sdk::SessionOptions& options,
                                     const sdk::Deadline& deadline) override {
    switch (options.role) {
      case GANDER_ROLE_PRODUCE: return std::make_unique<ProduceSession>(instance_, deadline);
      case GANDER_ROLE_CONSUME:
        return std::make_unique<ConsumeSession>(instance_, options.incarnation, deadline);
      case GANDER_ROLE_WAIT: return std::make_unique<WaitSession>(instance_);
      case GANDER_ROLE_TEND: return std::make_unique<TendSession>(instance_, options.incarnation);
      default: return std::make_unique<AdminSession>(instance_, deadline);
    }
  }

  [[nodiscard]] bool has_extension(std::string_view id) const override {
    return id == GANDER_EXT_INSPECT || id == GANDER_EXT_MANAGE || id == GANDER_EXT_HEALTH;
  }

 private:
  Instance instance_;
};

}  // namespace
}  // namespace gander::rabbitmq

GANDER_BROKER_PLUGIN(gander::rabbitmq::RabbitBroker, "dev.gander.rabbitmq", "rabbitmq", "1.0.0",
                     "amqp", "amqps")
