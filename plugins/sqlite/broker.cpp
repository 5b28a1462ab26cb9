// The SQLite broker: an instance, its sessions, and the entry point of the plugin.
#include <gander/sdk/broker.hpp>

#include "enqueue.h"
#include "exchange.h"
#include "health.h"
#include "inspect.h"
#include "manage.h"
#include "sqlite_schema.h"
#include "tend.h"
#include "wait.h"

namespace gander::sqlite {
namespace {

constexpr std::uint32_t kMaxBatch = 1000;

class ProduceSession final : public sdk::Session {
 public:
  explicit ProduceSession(Writer& writer) : writer_(writer) {}
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
               const sdk::Deadline& deadline) override {
    writer_.enqueue(messages, verdicts, deadline);
  }

 private:
  Writer& writer_;
};

class ConsumeSession final : public sdk::Session {
 public:
  ConsumeSession(std::unique_ptr<Connection> connection, Gate& gate, Wake& wake, sdk::Host host,
                 std::string_view incarnation)
      : connection_(std::move(connection)),
        wake_(wake),
        host_(host),
        leases_(*connection_, gate, wake),
        life_(leases_.begin(incarnation, host.now_us())),
        exchanger_(*connection_, gate, host, life_.no) {}

  ~ConsumeSession() override {
    try {
      connection_->begin_call(sdk::Deadline(nullptr));
      leases_.end(life_);
    } catch (const std::exception& e) {
      // The lock goes with this object, so the next tend() of a neighbour hands them on.
      host_.log(GANDER_LOG_WARN, std::string("closing a session: ") + e.what());
    }
  }

  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) override {
    bool others_should_look = false;
    sdk::Taken taken = exchanger_.exchange(exchange, deadline, &others_should_look);
    if (others_should_look) wake_.ring();
    return taken;
  }

 private:
  std::unique_ptr<Connection> connection_;
  Wake& wake_;
  sdk::Host host_;
  Leases leases_;
  Leases::Life life_;
  Exchanger exchanger_;
};

class WaitSession final : public sdk::Session {
 public:
  WaitSession(std::unique_ptr<Connection> connection, Wake& wake)
      : waiter_(std::move(connection), wake) {}
  sdk::Waited wait(sdk::Queues /*queues*/, const sdk::Deadline& deadline) override {
    return waiter_.wait(deadline);
  }
  void interrupt() noexcept override { waiter_.interrupt(); }

 private:
  Waiter waiter_;
};

class TendSession final : public sdk::Session {
 public:
  TendSession(std::unique_ptr<Connection> connection, Gate& gate, Wake& wake, sdk::Host host,
              const Settings& settings, std::string_view incarnation)
      : connection_(std::move(connection)),
        tender_(*connection_, gate, wake, host, settings, incarnation) {}
  gander_tend_res tend(const sdk::Deadline& deadline) override { return tender_.tend(deadline); }

 private:
  std::unique_ptr<Connection> connection_;
  Tender tender_;
};

class AdminSession final : public sdk::Session {
 public:
  AdminSession(std::unique_ptr<Connection> connection, Gate& gate, Wake& wake, sdk::Host host,
               const Settings& settings)
      : connection_(std::move(connection)),
        wake_(wake),
        settings_(settings),
        leases_(*connection_, gate, wake),
        queues_(*connection_),
        inspector_(*connection_, queues_),
        manager_(*connection_, gate, wake, host, queues_) {}

  void queues(const sdk::QueueVisitor& visit, const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    inspector_.queues(visit);
  }
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit,
                const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    inspector_.messages(queue, state, after, limit, visit);
  }
  void get(const gander_id& id, const sdk::MessageVisitor& visit,
           const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    inspector_.get(id, visit);
  }
  void pause(std::string_view queue, bool paused, const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    manager_.pause(queue, paused);
  }
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                      const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    return manager_.purge(queue, state, before_us, deadline);
  }
  void move(const gander_move_req& request, sdk::Verdicts verdicts,
            const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    manager_.move(request, verdicts, deadline);
  }
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    manager_.remove(ids, verdicts, deadline);
  }
  std::uint64_t reclaim(std::string_view incarnation, const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    return static_cast<std::uint64_t>(leases_.reap_one(std::string(incarnation)));
  }
  std::int64_t ping(const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    // A read of the file; SQLite has no clock of its own.
    static_cast<void>(connection_->pragma("schema_version"));
    return 0;
  }
  void report(const sdk::HealthVisitor& visit, const sdk::Deadline& deadline) override {
    connection_->begin_call(deadline);
    report_health(*connection_, settings_, wake_, visit);
  }

 private:
  std::unique_ptr<Connection> connection_;
  Wake& wake_;
  const Settings& settings_;
  Leases leases_;
  Queues queues_;
  Inspector inspector_;
  Manager manager_;
};

class SqliteBroker final : public sdk::Broker {
 public:
  SqliteBroker(sdk::Host host, const sdk::Options& options)
      : host_(host), settings_(options), writer_(settings_, host, gate_, wake_) {}

  gander_broker_info info(const sdk::Deadline& /*deadline*/) override {
    gander_broker_info info{};
    info.max_batch = kMaxBatch;
    info.caps = GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_FRONT |
                GANDER_CAP_IDEMPOTENT | GANDER_CAP_ORDERED | GANDER_CAP_WAIT |
                GANDER_CAP_MULTI_PROCESS | GANDER_CAP_DURABLE | GANDER_CAP_INSTANT_RECLAIM;
    info.max_body = settings_.max_body;
    sdk::copy_text(info.server, std::string("SQLite ") + sqlite3_libversion());
    return info;
  }

  std::unique_ptr<sdk::Session> open(const sdk::SessionOptions& options,
                                     const sdk::Deadline& deadline) override {
    const bool claims = options.role == GANDER_ROLE_CONSUME || options.role == GANDER_ROLE_TEND;
    auto connection = open_database(
        settings_, claims ? settings_.claim_synchronous : settings_.synchronous, deadline);
    map_wake(*connection);
    switch (options.role) {
      case GANDER_ROLE_PRODUCE:
        writer_.open(std::move(connection));
        return std::make_unique<ProduceSession>(writer_);
      case GANDER_ROLE_CONSUME:
        return std::make_unique<ConsumeSession>(std::move(connection), gate_, wake_, host_,
                                                options.incarnation);
      case GANDER_ROLE_WAIT: return std::make_unique<WaitSession>(std::move(connection), wake_);
      case GANDER_ROLE_TEND:
        return std::make_unique<TendSession>(std::move(connection), gate_, wake_, host_, settings_,
                                             options.incarnation);
      default:
        return std::make_unique<AdminSession>(std::move(connection), gate_, wake_, host_,
                                              settings_);
    }
  }

  [[nodiscard]] bool has_extension(std::string_view id) const override {
    return id == GANDER_EXT_INSPECT || id == GANDER_EXT_MANAGE || id == GANDER_EXT_HEALTH ||
           id == GANDER_EXT_RECLAIM;
  }

 private:
  void map_wake(const Connection& connection) {
    const std::lock_guard lock(wake_mutex_);
    if (!wake_.mapped() && !wake_.map(real_path(connection)))
      host_.log(GANDER_LOG_WARN,
                "workers will look at the file instead of being woken: " + wake_.reason());
  }

  sdk::Host host_;
  Settings settings_;
  Gate gate_;
  std::mutex wake_mutex_;
  Wake wake_;
  Writer writer_;
};

}  // namespace
}  // namespace gander::sqlite

GANDER_BROKER_PLUGIN(gander::sqlite::SqliteBroker, "dev.gander.sqlite", "sqlite", "1.0.0", "sqlite",
                     "sqlite3")
