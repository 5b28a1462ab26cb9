// A whole broker: its messages live in one process, shared by the sessions of one instance, under
// one mutex. Each is in one list at a time and moves by splice(), so that no move fails halfway.
#include <gander/sdk/broker.hpp>
#include <gander/sdk/doorbell.hpp>
#include <gander/sdk/leases.hpp>
#include <gander/sdk/message.hpp>

#include <array>
#include <list>
#include <mutex>
#include "memory_schema.h"

using namespace gander::sdk;
namespace {
struct Message : OwnedMessage {
  using OwnedMessage::OwnedMessage;
  std::list<Message>* holder = nullptr;  // what its incarnation holds, while it is leased
};
using List = std::list<Message>;
struct Queue {
  std::array<List, 3> ready;         // by priority
  std::map<std::int64_t, List> due;  // by run_at
};

struct Memory : Broker {
  Memory(Host h, const Options& o) : host(h), leases(o.integer("lease_s") * 1'000'000) {}
  gander_broker_info info(const Deadline&) override {
    constexpr auto kCaps = GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_FRONT |
                           GANDER_CAP_IDEMPOTENT | GANDER_CAP_ORDERED | GANDER_CAP_WAIT;
    return {0, 10'000, kCaps, 1 << 20, leases.lease_us(), "memory 1.0"};
  }
  std::unique_ptr<Session> open(const SessionOptions& o, const Deadline&) override;

  void put(List& from, List::iterator x, std::int64_t run_at_us, std::int64_t now, bool front) {
    Queue& q = queues[view(x->queue)];
    const bool later = run_at_us > now;
    List& to = later ? q.due[run_at_us] : q.ready[x->priority];
    if (!later) bell.ring(view(x->queue));
    to.splice(front && !later ? to.begin() : to.end(), from, x);
  }
  std::uint64_t to_front(List& from) {
    const std::uint64_t n = from.size();
    while (!from.empty()) put(from, std::prev(from.end()), 0, 0, true);
    return n;
  }
  gander_status add(const gander_message& m, std::int64_t now) try {
    const auto [place, fresh] = messages.try_emplace(m.id);
    if (!fresh) return GANDER_DUPLICATE;
    List one;
    place->second = one.emplace(one.end(), m);
    return put(one, one.begin(), m.run_at_us, now, m.flags == GANDER_MESSAGE_FRONT), GANDER_OK;
  } catch (const std::bad_alloc&) {
    return messages.erase(m.id), GANDER_FULL;
  }
  gander_status settle(const gander_settle& s, List& own, std::int64_t now) {
    const auto place = messages.find(s.message->id);
    if (place == messages.end()) return GANDER_LEASE_LOST;
    const List::iterator x = place->second;
    if (x->holder != &own || x->receipt[0] != s.message->receipt[0]) return GANDER_LEASE_LOST;
    if (s.op == GANDER_SETTLE_ACK) return messages.erase(place), own.erase(x), GANDER_OK;
    x->assign(*s.message), x->holder = nullptr;
    if (s.op == GANDER_SETTLE_DEAD) return dead.splice(dead.end(), own, x), GANDER_OK;
    return put(own, x, s.op == GANDER_SETTLE_GIVE_BACK ? 0 : x->run_at_us, now, true), GANDER_OK;
  }
  std::uint64_t promote(Queue& q, std::int64_t now) {
    std::uint64_t n = 0;
    for (auto it = q.due.upper_bound(now); it != q.due.begin(); it = q.due.erase(it))
      n += to_front((--it)->second);
    return n;
  }
  void take(Queue& q, std::size_t max, std::uint64_t max_bytes, List& own, Batch& batch) {
    for (List& ready : q.ready)
      for (; max > 0 && !ready.empty(); --max) {
        Message& x = ready.front();
        if (max_bytes && batch.size() && batch.body_bytes() + x.body.len > max_bytes) return;
        x.receipt[0] = ++receipts, batch.add(x), x.holder = &own;
        own.splice(own.end(), ready, ready.begin());
      }
  }
  std::uint64_t give_back(List& held, std::uint32_t gander_message::*counter) {
    for (Message& x : held) x.holder = nullptr, ++(x.*counter);
    return to_front(held);
  }

  Host host;
  std::mutex mutex;
  Doorbell bell;
  Leases<List> leases;  // and the messages that each incarnation holds
  NameMap<Queue> queues;
  List dead;
  IdMap<List::iterator> messages;
  std::uint64_t receipts = 0;
};

struct MemorySession : Session {
  MemorySession(Memory& m, const SessionOptions& o)
      : m_(m), consumes_(o.role == GANDER_ROLE_CONSUME), name_(o.incarnation), waiter_(m.bell) {
    const std::lock_guard lock(m_.mutex);
    if (consumes_) m_.leases.begin(name_, m_.host.now_us());
  }
  ~MemorySession() override {
    const std::lock_guard lock(m_.mutex);
    const auto hand_on = [&](List& held) { m_.give_back(held, &gander_message::give_backs); };
    if (consumes_) m_.leases.end(name_, hand_on);
  }
  void enqueue(Messages items, Verdicts verdicts, const Deadline&) override {
    const std::lock_guard lock(m_.mutex);
    const std::int64_t now = m_.host.now_us();
    for (std::size_t i = 0; i < items.size(); ++i) verdicts[i] = m_.add(*items[i], now);
  }
  Taken exchange(const Exchange& e, const Deadline&) override {
    const std::lock_guard lock(m_.mutex);
    const std::int64_t now = m_.host.now_us();
    List& own = m_.leases.of(name_);
    Taken taken{std::make_unique<Batch>()};
    for (std::size_t i = 0; i < e.settles.size(); ++i)
      e.verdicts[i] = m_.settle(*e.settles[i], own, now);
    for (const gander_take* t : e.takes) {
      Queue& q = m_.queues[view(t->queue)];
      m_.promote(q, now);
      m_.take(q, t->max_messages, e.max_bytes, own, *taken.batch);
      if (!q.due.empty()) taken.due_at(q.due.begin()->first);
    }
    return taken;
  }
  gander_tend_res tend(const Deadline&) override {
    const std::lock_guard lock(m_.mutex);
    const std::int64_t now = m_.host.now_us();
    m_.leases.renew(name_, now);
    gander_tend_res res{};
    const auto hand_on = [&](List& x) { return m_.give_back(x, &gander_message::crashes); };
    m_.leases.expire(now, [&](List& held) { res.reclaimed += hand_on(held); });
    for (auto& [name, queue] : m_.queues) res.promoted += m_.promote(queue, now);
    return res;
  }
  Waited wait(Queues queues, const Deadline& d) override { return waiter_.wait(queues, d); }
  void interrupt() noexcept override { waiter_.interrupt(); }

  Memory& m_;
  bool consumes_;
  std::string name_;
  Doorbell::Waiter waiter_;
};

std::unique_ptr<Session> Memory::open(const SessionOptions& o, const Deadline&) {
  return std::make_unique<MemorySession>(*this, o);
}
}  // namespace

GANDER_BROKER_PLUGIN(Memory, "dev.gander.memory", "memory", "1.0.0", "memory")
