#include "testing_broker.h"

#include <algorithm>
#include <list>

#include <gander/sdk/broker.hpp>
#include <gander/sdk/message.hpp>

namespace gander {
namespace {

namespace abi = gander::sdk;

struct Stored {
  abi::OwnedMessage m;
  std::int64_t order = 0;
};

struct Store {
  std::list<Stored> all;
  std::int64_t back = 0, front = 0;

  Stored* find(const gander_id& id) {
    const auto it = std::find_if(all.begin(), all.end(),
                                 [&](const Stored& s) { return abi::IdEqual{}(s.m.id, id); });
    return it == all.end() ? nullptr : &*it;
  }
  void make_ready(Stored& s, bool at_front) {
    s.m.state = GANDER_STATE_READY;
    s.order = at_front ? --front : ++back;
  }
  void promote(std::int64_t now_us) {
    for (Stored& s : all)
      if ((s.m.state == GANDER_STATE_SCHEDULED || s.m.state == GANDER_STATE_RETRY) &&
          s.m.run_at_us <= now_us)
        make_ready(s, true);
  }
  Stored* next_ready(std::string_view queue) {
    Stored* best = nullptr;
    for (Stored& s : all) {
      if (s.m.state != GANDER_STATE_READY || abi::view(s.m.queue) != queue) continue;
      if (best == nullptr ||
          std::pair(s.m.priority, s.order) < std::pair(best->m.priority, best->order))
        best = &s;
    }
    return best;
  }
};

class TestingSession final : public abi::Session {
 public:
  TestingSession(Store& store, abi::Host host) : store_(store), host_(host) {}

  void enqueue(abi::Messages messages, abi::Verdicts verdicts, const abi::Deadline&) override {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      verdicts[i] = store_.find(messages[i]->id) != nullptr ? GANDER_DUPLICATE : GANDER_OK;
      if (verdicts[i] != GANDER_OK) continue;
      Stored& s = store_.all.emplace_back();
      s.m.assign(*messages[i]);
      store_.make_ready(s, (messages[i]->flags & GANDER_MESSAGE_FRONT) != 0);
      if (s.m.run_at_us > host_.now_us()) s.m.state = GANDER_STATE_SCHEDULED;
    }
  }

  abi::Taken exchange(const abi::Exchange& e, const abi::Deadline&) override {
    for (std::size_t i = 0; i < e.settles.size(); ++i) e.verdicts[i] = settle(*e.settles[i]);
    store_.promote(host_.now_us());
    abi::Taken taken{std::make_unique<abi::Batch>()};
    for (const gander_take* t : e.takes) {
      for (std::uint32_t n = 0; n < t->max_messages; ++n) {
        Stored* s = store_.next_ready(abi::view(t->queue));
        if (s == nullptr) break;
        s->m.state = GANDER_STATE_LEASED;
        taken.batch->add(s->m);
      }
    }
    return taken;
  }

  gander_tend_res tend(const abi::Deadline&) override {
    store_.promote(host_.now_us());
    return {};
  }

  void queues(const abi::QueueVisitor& visitor, const abi::Deadline&) override {
    abi::NameMap<gander_queue_stat> stats;
    for (const Stored& s : store_.all) {
      gander_queue_stat& q = stats[abi::view(s.m.queue)];
      std::int64_t* const counts[] = {nullptr,   &q.ready, &q.scheduled,
                                      &q.leased, &q.retry, &q.dead};
      ++*counts[s.m.state];
    }
    for (auto& [name, stat] : stats) {
      stat.struct_size = sizeof(stat);
      stat.queue = abi::str(name);
      if (!visitor(stat)) return;
    }
  }

  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const abi::MessageVisitor& visitor,
                const abi::Deadline&) override {
    std::vector<const Stored*> found;
    for (const Stored& s : store_.all)
      if (s.m.state == state && (queue.empty() || abi::view(s.m.queue) == queue))
        found.push_back(&s);
    std::sort(found.begin(), found.end(), [](const Stored* a, const Stored* b) {
      return std::pair(a->m.run_at_us, a->order) < std::pair(b->m.run_at_us, b->order);
    });
    std::size_t from = after.empty() ? 0 : static_cast<std::size_t>(std::stoul(std::string(after)));
    for (; from < found.size() && limit > 0; ++from, --limit)
      if (!visitor(found[from]->m, std::to_string(from + 1))) return;
  }

  void get(const gander_id& id, const abi::MessageVisitor& visitor, const abi::Deadline&) override {
    const Stored* s = store_.find(id);
    if (s == nullptr) throw abi::Error(GANDER_NOT_FOUND, "no message has this id");
    visitor(s->m, "");
  }

 private:
  gander_status settle(const gander_settle& settle) {
    Stored* s = store_.find(settle.message->id);
    if (s == nullptr || s->m.state != GANDER_STATE_LEASED) return GANDER_LEASE_LOST;
    if (settle.op == GANDER_SETTLE_ACK) {
      store_.all.remove_if([&](const Stored& one) { return &one == s; });
      return GANDER_OK;
    }
    s->m.assign(*settle.message);
    if (settle.op == GANDER_SETTLE_GIVE_BACK) store_.make_ready(*s, true);
    if (settle.op == GANDER_SETTLE_RETRY) s->m.state = GANDER_STATE_RETRY;
    if (settle.op == GANDER_SETTLE_SNOOZE) s->m.state = GANDER_STATE_SCHEDULED;
    if (settle.op == GANDER_SETTLE_DEAD) s->m.state = GANDER_STATE_DEAD;
    return GANDER_OK;
  }

  Store& store_;
  abi::Host host_;
};

class TestingBroker final : public abi::Broker {
 public:
  TestingBroker(abi::Host host, const abi::Options&) : host_(host) {}
  gander_broker_info info(const abi::Deadline&) override {
    gander_broker_info info{};
    info.max_batch = 1000;
    info.caps = GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_FRONT |
                GANDER_CAP_IDEMPOTENT | GANDER_CAP_ORDERED;
    info.max_body = 1U << 20U;
    abi::copy_text(info.server, "gander::Testing");
    return info;
  }
  std::unique_ptr<abi::Session> open(const abi::SessionOptions&, const abi::Deadline&) override {
    return std::make_unique<TestingSession>(store_, host_);
  }
  [[nodiscard]] bool has_extension(std::string_view id) const override {
    return id == GANDER_EXT_INSPECT;
  }

 private:
  abi::Host host_;
  Store store_;
};

constexpr abi::OptionSpec kOptions[] = {{"url", "string", "", false, false, false, 0, 0, ""}};

}  // namespace

const gander_plugin* testing_plugin() {
  static const gander_broker_table table = abi::broker_table<TestingBroker>(kOptions);
  static const gander_component component = {GANDER_BROKER_KIND, "testing", nullptr, "{}", &table};
  static const gander_plugin plugin = {
      sizeof(gander_plugin),    GANDER_ABI, GANDER_ABI, 0,  "dev.gander.testing",
      GANDER_VERSION,           "",         "",         "", GANDER_COMPILER,
      sizeof(gander_component), 1,          &component};
  return &plugin;
}

}  // namespace gander
