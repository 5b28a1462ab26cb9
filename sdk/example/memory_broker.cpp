// A whole broker: its messages live in one process, shared by the sessions of one instance. One
// mutex guards all of it, and no call waits while it holds it.
#include <gander/sdk/broker.hpp>

#include <array>
#include <bit>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_map>
#include "memory_schema.h"

using namespace gander::sdk;
namespace {
using Id = std::array<std::uint64_t, 2>;
struct IdHash {
  std::size_t operator()(const Id& id) const { return id[0] ^ (id[1] * 0x9E3779B97F4A7C15ULL); }
};
struct Message {
  gander_message m{};  // queue, body and note point to what is kept here
  std::string text;    // body and note
  struct Queue* queue = nullptr;
  std::uint64_t owner = 0;  // serial of the incarnation that it is leased to
};
struct Queue {
  std::string name;
  std::array<std::deque<Message*>, 3> ready;  // by priority
  std::multimap<std::int64_t, Message*> due;  // by run_at
  std::uint64_t arrival = 0;                  // Memory::arrivals when one last became ready
};
struct Incarnation {
  std::uint64_t serial;
  std::int64_t renewed_us;
};

struct Memory : Broker {
  Memory(Host h, const Options& o) : host(h), lease_us(o.integer("lease_s") * 1'000'000) {}
  gander_broker_info info(const Deadline&) override {
    return {0,
            10'000,
            GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_FRONT | GANDER_CAP_IDEMPOTENT |
                GANDER_CAP_ORDERED | GANDER_CAP_WAIT,
            1 << 20,
            lease_us,
            "memory 1.0"};
  }
  std::unique_ptr<Session> open(const SessionOptions& o, const Deadline&) override;

  void store(Message& x, const gander_message& from) {
    if (x.queue == nullptr || x.queue->name != view(from.queue)) {
      x.queue = &queues[std::string(view(from.queue))];
      x.queue->name = view(from.queue);
    }
    x.text.assign(view(from.body)).append(view(from.note)), x.m = from;
    x.m.queue = str(x.queue->name), x.m.body.ptr = x.text.data();
    x.m.note.ptr = x.text.data() + from.body.len;
  }
  void put(Message& x, std::int64_t run_at_us, std::int64_t now, bool front) {
    if (run_at_us > now) return void(x.queue->due.emplace(run_at_us, &x));
    auto& list = x.queue->ready[x.m.priority];
    front ? list.push_front(&x) : list.push_back(&x);
    x.queue->arrival = ++arrivals;
  }
  std::uint64_t promote(Queue& q, std::int64_t now) {
    const auto before = q.due.size();
    const auto end = q.due.upper_bound(now);
    for (auto it = end; it != q.due.begin();) put(*(--it)->second, 0, now, true);
    q.due.erase(q.due.begin(), end);
    return before - q.due.size();
  }
  gander_status settle(const gander_settle& s, std::uint64_t by, std::int64_t now) {
    const auto it = messages.find(std::bit_cast<Id>(s.message->id));
    if (it == messages.end() || it->second.owner != by) return GANDER_LEASE_LOST;
    Message& x = it->second;
    if (x.m.receipt[0] != s.message->receipt[0]) return GANDER_LEASE_LOST;
    if (s.op == GANDER_SETTLE_ACK) return messages.erase(it), GANDER_OK;
    store(x, *s.message), x.owner = 0;
    if (s.op == GANDER_SETTLE_GIVE_BACK) put(x, 0, now, true);
    if (s.op == GANDER_SETTLE_RETRY || s.op == GANDER_SETTLE_SNOOZE)
      put(x, x.m.run_at_us, now, true);
    return GANDER_OK;  // a dead letter stays, in no list
  }
  void take(Queue& q, std::size_t max, std::uint64_t max_bytes, std::uint64_t by, Batch& batch) {
    for (auto& list : q.ready) {
      for (; max > 0 && !list.empty(); --max, list.pop_front()) {
        Message& x = *list.front();
        if (max_bytes && batch.size() && batch.body_bytes() + x.m.body.len > max_bytes) return;
        x.m.receipt[0] = ++receipts, batch.add(x.m), x.owner = by;
      }
    }
  }
  std::uint64_t end(std::uint64_t serial, std::uint32_t gander_message::*counter) {
    std::vector<Message*> list;
    for (auto& [id, x] : messages)
      if (x.owner == serial) list.push_back(&x);
    std::ranges::sort(list, std::greater{}, [](Message* x) { return x->m.receipt[0]; });
    for (Message* x : list) x->owner = 0, ++(x->m.*counter), put(*x, 0, 0, true);
    return arrived.notify_all(), list.size();
  }

  Host host;
  std::int64_t lease_us;
  std::mutex mutex;
  std::condition_variable arrived;
  std::map<std::string, Queue, std::less<>> queues;
  std::unordered_map<Id, Message, IdHash> messages;
  std::map<std::string, Incarnation, std::less<>> incarnations;
  std::uint64_t arrivals = 0, receipts = 0, serials = 0;
};

struct MemorySession : Session {
  MemorySession(Memory& m, const SessionOptions& o) : m_(m), name_(o.incarnation) {
    seen_ = m.arrivals;
    if (o.role != GANDER_ROLE_CONSUME) return;
    if (!m.incarnations.try_emplace(name_, Incarnation{++m.serials, m.host.now_us()}).second)
      throw Error(GANDER_INVALID_STATE, "incarnation '" + name_ + "' has a session already");
    serial_ = m.serials;
  }
  ~MemorySession() override {
    const std::lock_guard lock(m_.mutex);
    if (serial_ == 0 || m_.incarnations.erase(name_) == 0) return;
    m_.end(serial_, &gander_message::give_backs);
  }
  void enqueue(Messages items, Verdicts verdicts, const Deadline&) override {
    const std::lock_guard lock(m_.mutex);
    const std::int64_t now = m_.host.now_us();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto [it, fresh] = m_.messages.try_emplace(std::bit_cast<Id>(items[i]->id));
      verdicts[i] = fresh ? GANDER_OK : GANDER_DUPLICATE;
      if (!fresh) continue;
      try {
        m_.store(it->second, *items[i]);
        m_.put(it->second, items[i]->run_at_us, now, items[i]->flags == GANDER_MESSAGE_FRONT);
      } catch (const std::bad_alloc&) {
        m_.messages.erase(it), verdicts[i] = GANDER_FULL;
      }
    }
    m_.arrived.notify_all();
  }
  Taken exchange(const Exchange& e, const Deadline&) override {
    const std::lock_guard lock(m_.mutex);
    const std::int64_t now = m_.host.now_us();
    fence();
    Taken taken{std::make_unique<Batch>()};
    for (std::size_t i = 0; i < e.settles.size(); ++i)
      e.verdicts[i] = m_.settle(*e.settles[i], serial_, now);
    for (const gander_take* t : e.takes) {
      const auto q = m_.queues.find(view(t->queue));
      if (q == m_.queues.end()) continue;
      m_.promote(q->second, now);
      m_.take(q->second, t->max_messages, e.max_bytes, serial_, *taken.batch);
      if (q->second.due.empty()) continue;
      const std::int64_t next = q->second.due.begin()->first;
      if (taken.next_due_us == 0 || next < taken.next_due_us) taken.next_due_us = next;
    }
    m_.arrived.notify_all();  // of what was put back, or fell due and was not taken
    return taken;
  }
  gander_tend_res tend(const Deadline&) override {
    const std::lock_guard lock(m_.mutex);
    const std::int64_t now = m_.host.now_us();
    fence().renewed_us = now;
    gander_tend_res res{};
    for (auto it = m_.incarnations.begin(); it != m_.incarnations.end();) {
      auto& [serial, renewed_us] = it->second;
      renewed_us = std::min(renewed_us, now);  // a clock set back must not keep the dead alive
      if (now - renewed_us > m_.lease_us) {
        res.reclaimed += m_.end(serial, &gander_message::crashes);
        it = m_.incarnations.erase(it);
      } else {
        ++it;
      }
    }
    for (auto& [name, queue] : m_.queues) res.promoted += m_.promote(queue, now);
    m_.arrived.notify_all();
    return res;
  }
  Waited wait(Queues queues, const Deadline& deadline) override {
    std::unique_lock lock(m_.mutex);
    const auto rung = [&] {
      return interrupted_ || std::ranges::any_of(queues, [&](gander_str name) {
               const auto q = m_.queues.find(view(name));
               return q != m_.queues.end() && q->second.arrival > seen_;
             });
    };
    if (!deadline.at()) m_.arrived.wait(lock, rung);
    if (deadline.at() && !m_.arrived.wait_until(lock, *deadline.at(), rung)) return Waited::timeout;
    if (std::exchange(interrupted_, false)) return Waited::cancelled;
    seen_ = m_.arrivals;
    return Waited::arrived;
  }
  void interrupt() noexcept override {
    const std::lock_guard lock(m_.mutex);
    interrupted_ = true, m_.arrived.notify_all();
  }
  Incarnation& fence() {
    const auto it = m_.incarnations.find(name_);
    if (it == m_.incarnations.end())
      throw Error(GANDER_LEASE_LOST, "incarnation '" + name_ + "' has ended; begin another");
    return it->second;
  }

  Memory& m_;
  std::string name_;
  std::uint64_t serial_ = 0, seen_ = 0;
  bool interrupted_ = false;
};

std::unique_ptr<Session> Memory::open(const SessionOptions& options, const Deadline&) {
  const std::lock_guard lock(mutex);
  return std::make_unique<MemorySession>(*this, options);
}
}  // namespace

GANDER_BROKER_PLUGIN(Memory, "dev.gander.memory", "memory", "1.0.0", "memory")
