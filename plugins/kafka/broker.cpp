// The Kafka broker: an instance, its sessions, and the entry point of the plugin.
#include <gander/sdk/broker.hpp>

#include "enqueue.h"
#include "exchange.h"
#include "health.h"
#include "inspect.h"
#include "kafka_schema.h"
#include "manage.h"
#include "tend.h"

namespace gander::kafka {
namespace {

constexpr std::uint32_t kMaxBatch = 5000;

class ProduceSession final : public sdk::Session {
 public:
  ProduceSession(Instance& instance, const sdk::Deadline& deadline) : writer_(instance, deadline) {}
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
               const sdk::Deadline& deadline) override {
    writer_.enqueue(messages, verdicts, deadline);
  }

 private:
  Writer writer_;
};

class ConsumeSession final : public sdk::Session {
 public:
  ConsumeSession(Instance& instance, const sdk::SessionOptions& options,
                 const sdk::Deadline& deadline)
      : exchanger_(instance, options.incarnation, options.queues, deadline) {}
  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) override {
    return exchanger_.exchange(exchange, deadline);
  }

 private:
  Exchanger exchanger_;
};

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
        log_(instance.settings, instance.host, instance.topics, deadline),
        inspector_(instance, log_),
        manager_(instance, log_, inspector_) {}

  void queues(const sdk::QueueVisitor& visit, const sdk::Deadline& deadline) override {
    inspector_.queues(visit, deadline);
  }
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit,
                const sdk::Deadline& deadline) override {
    inspector_.messages(queue, state, after, limit, visit, deadline);
  }
  void get(const gander_id& id, const sdk::MessageVisitor& visit,
           const sdk::Deadline& deadline) override {
    inspector_.get(id, visit, deadline);
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
  std::int64_t ping(const sdk::Deadline& deadline) override {
    log_.client().connect(deadline);
    return 0;
  }
  void report(const sdk::HealthVisitor& visit, const sdk::Deadline& deadline) override {
    report_health(instance_, log_, visit, deadline);
  }

 private:
  Instance& instance_;
  Log log_;
  Inspector inspector_;
  Manager manager_;
};

class KafkaBroker final : public sdk::Broker {
 public:
  KafkaBroker(sdk::Host host, const sdk::Options& options) : instance_(host, options) {}

  gander_broker_info info(const sdk::Deadline& /*deadline*/) override {
    gander_broker_info info{};
    info.max_batch = kMaxBatch;
    info.caps = GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_WAIT |
                GANDER_CAP_MULTI_PROCESS | GANDER_CAP_DURABLE;
    info.max_body = instance_.settings.max_body;
    info.lease_us = instance_.settings.lease_us;
    sdk::copy_text(info.server, std::string("Kafka, by librdkafka ") + rd_kafka_version_str());
    return info;
  }

  std::unique_ptr<sdk::Session> open(const sdk::SessionOptions& options,
                                     const sdk::Deadline& deadline) override {
    switch (options.role) {
      case GANDER_ROLE_PRODUCE: return std::make_unique<ProduceSession>(instance_, deadline);
      case GANDER_ROLE_CONSUME:
        return std::make_unique<ConsumeSession>(instance_, options, deadline);
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
}  // namespace gander::kafka

GANDER_BROKER_PLUGIN(gander::kafka::KafkaBroker, "dev.gander.kafka", "kafka", "1.0.0", "kafka")
