// A broker that stores nothing: what remains of a drain over it is the host's own cost. It counts
// what is enqueued, keeps one body, and hands out as many messages with it. Not for work, and not
// installed.
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

#include <gander/sdk/broker.hpp>

#include "null_schema.h"

namespace sdk = gander::sdk;

namespace {

struct Null final : sdk::Broker {
  Null(sdk::Host lent, const sdk::Options&) : host(lent) {}
  gander_broker_info info(const sdk::Deadline&) override {
    gander_broker_info info{};
    info.max_batch = 10'000;
    info.caps = GANDER_CAP_ORDERED;
    info.max_body = 1U << 20U;
    sdk::copy_text(info.server, "null");
    return info;
  }
  std::unique_ptr<sdk::Session> open(const sdk::SessionOptions&, const sdk::Deadline&) override;

  sdk::Host host;
  std::mutex mutex;
  std::uint64_t waiting = 0;  // guarded by mutex, as all below
  std::uint64_t next_id = 0;
  std::string body;
};

struct NullSession final : sdk::Session {
  explicit NullSession(Null& broker) : null(broker) {}

  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline&) override {
    const std::lock_guard lock(null.mutex);
    null.waiting += messages.size();
    null.body = sdk::view(messages[0]->body);
    std::fill(verdicts.begin(), verdicts.end(), GANDER_OK);
  }

  sdk::Taken exchange(const sdk::Exchange& e, const sdk::Deadline&) override {
    const std::lock_guard lock(null.mutex);
    std::fill(e.verdicts.begin(), e.verdicts.end(), GANDER_OK);
    sdk::Taken taken{std::make_unique<sdk::Batch>()};
    for (const gander_take* take : e.takes) {
      const auto n = std::min<std::uint64_t>(take->max_messages, null.waiting);
      taken.batch->reserve(n);
      gander_message m{};
      m.queue = take->queue;
      m.body = sdk::bytes(null.body);
      m.enqueued_at_us = null.host.now_us();
      for (std::uint64_t i = 0; i < n; ++i) {
        std::memcpy(m.id.bytes, &++null.next_id, sizeof(null.next_id));
        taken.batch->add(m);
      }
      null.waiting -= n;
    }
    return taken;
  }

  gander_tend_res tend(const sdk::Deadline&) override { return {}; }
  sdk::Waited wait(sdk::Queues, const sdk::Deadline& deadline) override {
    const auto end = deadline.at().value_or(std::chrono::steady_clock::now());
    while (!interrupted.exchange(false)) {
      {
        const std::lock_guard lock(null.mutex);
        if (null.waiting > 0) return sdk::Waited::arrived;
      }
      if (std::chrono::steady_clock::now() >= end) return sdk::Waited::timeout;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return sdk::Waited::cancelled;
  }
  void interrupt() noexcept override { interrupted = true; }

  Null& null;
  std::atomic<bool> interrupted{false};
};

std::unique_ptr<sdk::Session> Null::open(const sdk::SessionOptions&, const sdk::Deadline&) {
  return std::make_unique<NullSession>(*this);
}

}  // namespace

GANDER_BROKER_PLUGIN(Null, "dev.gander.bench.null", "null", "1.0.0", "null")
