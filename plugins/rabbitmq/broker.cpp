// The RabbitMQ broker: an instance, its sessions, and the entry point of the plugin.
#include <gander/sdk/broker.hpp>

#include "enqueue.h"
#include "error.h"
#include "exchange.h"
#include "rabbitmq_schema.h"

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

// The server does what there is to do: it hands on what the dead held, and what falls due.
class TendSession final : public sdk::Session {
 public:
  TendSession(Instance& instance, std::string_view incarnation)
      : instance_(instance), incarnation_(incarnation), life_(instance.find(incarnation_)) {}
  gander_tend_res tend(const sdk::Deadline& /*deadline*/) override {
    if (!life_ || life_->over)
      throw lease_lost(instance_.settings.where(), incarnation_, "its connection was lost");
    gander_tend_res res{};
    res.reclaimed = life_->reclaimed.exchange(0);
    return res;
  }

 private:
  Instance& instance_;
  const std::string incarnation_;
  const std::shared_ptr<Life> life_;
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
      default: return std::make_unique<sdk::Session>();
    }
  }

 private:
  Instance instance_;
};

}  // namespace
}  // namespace gander::rabbitmq

GANDER_BROKER_PLUGIN(gander::rabbitmq::RabbitBroker, "dev.gander.rabbitmq", "rabbitmq", "1.0.0",
                     "amqp", "amqps")
