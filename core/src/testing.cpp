#include <gander/testing.h>

#include "broker_handle.h"
#include "executor.h"
#include "testing_broker.h"
#include "text.h"
#include "worker_impl.h"

namespace gander {
namespace {

using namespace std::chrono_literals;

class ManualClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_us() const override { return now_us_; }
  void advance(std::chrono::microseconds by) { now_us_ += by.count(); }

 private:
  std::int64_t now_us_ = SystemClock().now_us();
};

}  // namespace

struct Testing::Impl {
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  Broker broker{std::make_shared<BrokerHandle>("testing",
                                               LoadedPlugin{"(in memory)", testing_plugin()},
                                               std::map<std::string, std::string>{}, clock)};
  Client client{broker};
  Worker worker{broker};
  Admin admin{broker};
  RunSlot slot;
  std::unique_ptr<Session> session = broker.handle()->open(GANDER_ROLE_CONSUME, "testing", {}, 1s);

  Workshop& workshop() {
    Worker::Impl& w = *worker.impl_;
    w.workshop.retry = w.options.retry;
    w.workshop.max_crashes = w.options.max_crashes;
    w.workshop.park_delay = w.options.park_delay;
    w.workshop.clock = clock.get();
    w.workshop.metrics = &w.metrics;
    return w.workshop;
  }

  std::optional<Delivery> take_one() {
    for (const QueueStat& q : admin.queues()) {
      const gander_take take{str(q.name), 1, 0};
      Session::Exchanged out;
      const Status status = session->exchange({}, {}, {&take, 1}, 0, 1s, out);
      if (!status.ok()) throw error_of(status, "testing", "take");
      if (out.taken) return Delivery{out.taken, &(*out.taken)[0], 1};
    }
    return std::nullopt;
  }

  void settle(const Settlement& s) {
    const gander_message successor = s.successor();
    const gander_settle settle{&successor, s.delivery.message->queue, s.op(), 0};
    gander_status verdict = GANDER_OK;
    Session::Exchanged out;
    const Status status = session->exchange({&settle, 1}, {&verdict, 1}, {}, 0, 1s, out);
    if (!status.ok()) throw error_of(status, "testing", "settle");
  }
};

Testing::Testing() : impl_(std::make_unique<Impl>()) {}
Testing::~Testing() = default;
Broker& Testing::broker() { return impl_->broker; }
Client& Testing::client() { return impl_->client; }
Worker& Testing::worker() { return impl_->worker; }

bool Testing::run_one() {
  auto delivery = impl_->take_one();
  if (!delivery) return false;
  Executor executor(impl_->workshop());
  impl_->settle(executor.run(std::move(*delivery), impl_->slot));
  return true;
}

std::size_t Testing::run_all() {
  std::size_t n = 0;
  while (run_one()) ++n;
  return n;
}

std::vector<MessageView> Testing::in_state(State state) {
  return impl_->admin.list(state, {}, {}, 1'000'000);
}

std::vector<MessageView> Testing::enqueued() {
  std::vector<MessageView> all = in_state(State::ready);
  for (const State state : {State::scheduled, State::retry})
    for (MessageView& m : in_state(state)) all.push_back(std::move(m));
  return all;
}

std::chrono::system_clock::time_point Testing::now() const {
  return time_of(impl_->clock->now_us());
}
void Testing::advance(std::chrono::milliseconds by) { impl_->clock->advance(by); }

}  // namespace gander
