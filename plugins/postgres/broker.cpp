// The PostgreSQL broker: an instance, its sessions, and the entry point of the plugin.
#include <gander/sdk/broker.hpp>

#include "bell.h"
#include "enqueue.h"
#include "error.h"
#include "exchange.h"
#include "health.h"
#include "inspect.h"
#include "lease.h"
#include "manage.h"
#include "postgres_schema.h"
#include "schema.h"
#include "tend.h"
#include "wait.h"

namespace gander::postgres {
namespace {

constexpr std::uint32_t kMaxBatch = 1000;
// How long closing a session may take, as the host sets no limit; and how much more when it has to
// be done over another connection.
constexpr std::int64_t kCloseUs = 5'000'000;
constexpr std::int64_t kLastTryUs = 1'000'000;

sdk::Deadline within(std::int64_t us) {
  const gander_call call{sizeof call, 0, us, {nullptr, 0}};
  return sdk::Deadline(&call);
}

class ProduceSession final : public sdk::Session {
 public:
  ProduceSession(std::unique_ptr<Connection> connection, Bell& bell, Doubt& doubt)
      : connection_(std::move(connection)), enqueuer_(*connection_, bell, doubt) {}
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
               const sdk::Deadline& deadline) override {
    enqueuer_.enqueue(messages, verdicts, deadline);
  }

 private:
  std::unique_ptr<Connection> connection_;
  Enqueuer enqueuer_;
};

class ConsumeSession final : public sdk::Session {
 public:
  ConsumeSession(std::unique_ptr<Connection> connection, Bell& bell, sdk::Host host,
                 std::string_view incarnation, const sdk::Deadline& deadline)
      : connection_(std::move(connection)),
        bell_(bell),
        host_(host),
        leases_(*connection_),
        no_(leases_.begin(incarnation, deadline)),
        exchanger_(*connection_, bell, no_) {}

  ~ConsumeSession() override {
    try {
      end();
    } catch (const std::exception& e) {
      // Its lease runs out, and the tend() of a neighbour hands them on.
      host_.log(GANDER_LOG_WARN, std::string("closing a session: ") + e.what());
    }
  }

  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline) override {
    return exchanger_.exchange(exchange, deadline);
  }

 private:
  // A lost connection is no crash: what was held comes back at once and unharmed, if the server can
  // be reached otherwise. Ending twice what was ended has no effect.
  void end() {
    try {
      end_over(leases_, within(kCloseUs));
    } catch (const sdk::Error& e) {
      if ((e.flags() & GANDER_ERROR_RECONNECT) == 0) throw;
      const sdk::Deadline last_try = within(kLastTryUs);
      Connection another(connection_->settings(), Use::claim, last_try);
      Leases leases(another);
      end_over(leases, last_try);
    }
  }
  void end_over(Leases& leases, const sdk::Deadline& deadline) {
    std::vector<std::int32_t> woken;
    leases.end(no_, Leases::Cause::closed, true, &woken, deadline);
    bell_.ring(woken);
  }

  std::unique_ptr<Connection> connection_;
  Bell& bell_;
  sdk::Host host_;
  Leases leases_;
  std::int32_t no_;
  Exchanger exchanger_;
};

class WaitSession final : public sdk::Session {
 public:
  WaitSession(std::unique_ptr<Connection> connection, sdk::Queues queues,
              const sdk::Deadline& deadline)
      : waiter_(std::move(connection), queues, deadline) {}
  sdk::Waited wait(sdk::Queues queues, const sdk::Deadline& deadline) override {
    return waiter_.wait(queues, deadline);
  }
  void interrupt() noexcept override { waiter_.interrupt(); }

 private:
  Waiter waiter_;
};

class TendSession final : public sdk::Session {
 public:
  TendSession(std::unique_ptr<Connection> connection, Bell& bell, std::string_view incarnation)
      : connection_(std::move(connection)), tender_(*connection_, bell, incarnation) {}
  gander_tend_res tend(const sdk::Deadline& deadline) override { return tender_.tend(deadline); }

 private:
  std::unique_ptr<Connection> connection_;
  Tender tender_;
};

// Looks at the schema only when something is asked of it, so that one can be opened to migrate.
class AdminSession final : public sdk::Session {
 public:
  AdminSession(std::unique_ptr<Connection> connection, Bell& bell)
      : connection_(std::move(connection)),
        bell_(bell),
        leases_(*connection_),
        queues_(*connection_),
        inspector_(*connection_, queues_),
        manager_(*connection_, bell, queues_) {}

  void queues(const sdk::QueueVisitor& visit, const sdk::Deadline& deadline) override {
    ready(deadline);
    inspector_.queues(visit, deadline);
  }
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit,
                const sdk::Deadline& deadline) override {
    ready(deadline);
    inspector_.messages(queue, state, after, limit, visit, deadline);
  }
  void get(const gander_id& id, const sdk::MessageVisitor& visit,
           const sdk::Deadline& deadline) override {
    ready(deadline);
    inspector_.get(id, visit, deadline);
  }
  void pause(std::string_view queue, bool paused, const sdk::Deadline& deadline) override {
    ready(deadline);
    manager_.pause(queue, paused, deadline);
  }
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                      const sdk::Deadline& deadline) override {
    ready(deadline);
    return manager_.purge(queue, state, before_us, deadline);
  }
  void move(const gander_move_req& request, sdk::Verdicts verdicts,
            const sdk::Deadline& deadline) override {
    ready(deadline);
    manager_.move(request, verdicts, deadline);
  }
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const sdk::Deadline& deadline) override {
    ready(deadline);
    manager_.remove(ids, verdicts, deadline);
  }
  std::int64_t ping(const sdk::Deadline& deadline) override {
    return connection_->run(std::string("SELECT ") + kNow, deadline).integer(0, 0);
  }
  void report(const sdk::HealthVisitor& visit, const sdk::Deadline& deadline) override {
    ready(deadline);
    report_health(*connection_, visit, deadline);
  }
  std::uint64_t reclaim(std::string_view incarnation, const sdk::Deadline& deadline) override {
    ready(deadline);
    const std::int32_t no = leases_.find(incarnation, deadline);
    if (no == 0) return 0;
    std::vector<std::int32_t> woken;
    const std::int64_t held = leases_.end(no, Leases::Cause::crashed, true, &woken, deadline);
    bell_.ring(woken);
    return static_cast<std::uint64_t>(held);
  }
  std::string migration_script(const sdk::Deadline& deadline) override {
    return postgres::migration_script(*connection_, deadline);
  }
  gander_migrate_res migrate(const sdk::Deadline& deadline) override {
    gander_migrate_res res{};
    res.from_version = static_cast<std::uint32_t>(postgres::migrate(*connection_, deadline));
    res.to_version = kSchemaVersion;
    return res;
  }

 private:
  void ready(const sdk::Deadline& deadline) {
    if (looked_) return;
    require_schema(*connection_, deadline);
    looked_ = true;
  }

  std::unique_ptr<Connection> connection_;
  Bell& bell_;
  bool looked_ = false;
  Leases leases_;
  Queues queues_;
  Inspector inspector_;
  Manager manager_;
};

class PostgresBroker final : public sdk::Broker {
 public:
  PostgresBroker(sdk::Host host, const sdk::Options& options)
      : host_(host), settings_(options), bell_(settings_) {}

  gander_broker_info info(const sdk::Deadline& /*deadline*/) override {
    gander_broker_info info{};
    info.max_batch = kMaxBatch;
    info.caps = GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_FRONT |
                GANDER_CAP_IDEMPOTENT | GANDER_CAP_ORDERED | GANDER_CAP_MULTI_PROCESS |
                GANDER_CAP_DURABLE | GANDER_CAP_SERVER_CLOCK;
    if (!settings_.pooler) info.caps |= GANDER_CAP_WAIT;
    info.max_body = settings_.max_body;
    info.lease_us = settings_.lease_us;
    const int version = version_.load();
    sdk::copy_text(info.server, version == 0 ? std::string("PostgreSQL")
                                             : "PostgreSQL " + version_text(version));
    return info;
  }

  std::unique_ptr<sdk::Session> open(const sdk::SessionOptions& options,
                                     const sdk::Deadline& deadline) override {
    auto connection = std::make_unique<Connection>(settings_, use_of(options.role), deadline);
    version_.store(connection->version());
    if (options.role != GANDER_ROLE_ADMIN) require_schema(*connection, deadline);
    if (options.role != GANDER_ROLE_WAIT) bell_.open(deadline);
    switch (options.role) {
      case GANDER_ROLE_PRODUCE:
        return std::make_unique<ProduceSession>(std::move(connection), bell_, doubt_);
      case GANDER_ROLE_CONSUME:
        return std::make_unique<ConsumeSession>(std::move(connection), bell_, host_,
                                                options.incarnation, deadline);
      case GANDER_ROLE_WAIT:
        return std::make_unique<WaitSession>(std::move(connection), options.queues, deadline);
      case GANDER_ROLE_TEND:
        return std::make_unique<TendSession>(std::move(connection), bell_, options.incarnation);
      default: return std::make_unique<AdminSession>(std::move(connection), bell_);
    }
  }

  [[nodiscard]] bool has_extension(std::string_view id) const override {
    return id == GANDER_EXT_INSPECT || id == GANDER_EXT_MANAGE || id == GANDER_EXT_HEALTH ||
           id == GANDER_EXT_MIGRATE || id == GANDER_EXT_RECLAIM;
  }

 private:
  static Use use_of(std::uint32_t role) {
    switch (role) {
      case GANDER_ROLE_PRODUCE: return Use::produce;
      case GANDER_ROLE_ADMIN: return Use::cold;
      default: return Use::claim;
    }
  }

  sdk::Host host_;
  Settings settings_;
  Bell bell_;
  Doubt doubt_;
  std::atomic<int> version_{0};
};

}  // namespace
}  // namespace gander::postgres

GANDER_BROKER_PLUGIN(gander::postgres::PostgresBroker, "dev.gander.postgres", "postgres", "1.0.0",
                     "postgres", "postgresql")
