// Group random: rows of operations chosen by a seed, against a model of what must be true.
#include <algorithm>
#include <map>

#include "../harness.h"

namespace gander::conformance {
namespace {

constexpr int kSteps = 600;

// What the model knows of a message: where it must be and what it must look like there.
struct Known {
  Msg message;
  enum { ready, later, leased, gone } where = ready;
  int owner = -1;
};

class Walk {
 public:
  explicit Walk(Kit& kit)
      : kit_(kit),
        on_(kit),
        producer_(on_.producer()),
        schedule_(kit.has_cap(GANDER_CAP_SCHEDULE)) {
    queues_ = {kit.queue("a"), kit.queue("b")};
    for (int i = 0; i < 2; ++i) consumers_.push_back(on_.consumer(kit.incarnation(), queues_));
  }
  void run() {
    for (step_ = 0; step_ < kSteps; ++step_) {
      switch (pick(10)) {
        case 0:
        case 1:
        case 2: enqueue(); break;
        case 3:
        case 4:
        case 5: take(); break;
        case 6:
        case 7:
        case 8: settle(); break;
        default: reopen(); break;
      }
    }
    finish();
  }

 private:
  std::size_t pick(std::size_t n) { return kit_.random()() % n; }
  const std::string& queue() { return queues_[pick(2)]; }

  void enqueue() {
    std::string body;
    for (std::size_t n = pick(300); n > 0; --n) body += static_cast<char>(kit_.random()());
    Msg m = kit_.message(queue(), body);
    if (kit_.has_cap(GANDER_CAP_PRIORITY)) m.m.priority = static_cast<std::uint32_t>(pick(3));
    const bool later = schedule_ && pick(5) == 0;
    if (later) m.m.run_at_us = on_.host().now_us() + 86'400 * kSecond;
    producer_.put(m);
    known_[id_text(m.m.id)] = {m, later ? Known::later : Known::ready};
  }

  void take() {
    const int who = static_cast<int>(pick(2));
    const auto& q = queue();
    const auto n = static_cast<std::uint32_t>(pick(5) + 1);
    for (const Msg& m : consumers_[static_cast<std::size_t>(who)].take(q, n)) taken(m, who, q);
  }
  void taken(const Msg& m, int who, const std::string& q) {
    const auto it = known_.find(id_text(m.m.id));
    expect(it != known_.end(), at(), "a message came that was never enqueued");
    Known& k = it->second;
    expect(k.where == Known::ready, at(), "a message came that was ",
           k.where == Known::later    ? "not due"
           : k.where == Known::leased ? "leased"
                                      : "gone");
    expect(m.queue == q, at(), "a message came from another queue");
    expect(difference(m, k.message).empty(), at(),
           "a message came changed: ", difference(m, k.message));
    k.where = Known::leased, k.owner = who;
    held_.push_back(m);
  }

  void settle() {
    if (held_.empty()) return;
    const std::size_t i = pick(held_.size());
    Msg m = held_[i];
    Known& k = known_.at(id_text(m.m.id));
    const auto op = static_cast<std::uint32_t>(pick(schedule_ ? 5 : 4) + 1);
    const bool stranger = pick(6) == 0;
    auto& by = consumers_[static_cast<std::size_t>(stranger ? 1 - k.owner : k.owner)];
    if (op == GANDER_SETTLE_RETRY) m.m.attempts += 1, m.queue = queue(), m.note = "failed";
    if (op == GANDER_SETTLE_GIVE_BACK) m.m.give_backs += 1;
    if (op == GANDER_SETTLE_SNOOZE) m.m.run_at_us = on_.host().now_us() + 86'400 * kSecond;
    const auto verdict = by.exchange({{m, k.message.queue, op}}, {}).verdicts.front();
    expect_status(verdict, stranger ? GANDER_LEASE_LOST : GANDER_OK, at() + "verdict of a settle");
    if (stranger) return;
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    k.message = m;
    k.where = op == GANDER_SETTLE_ACK || op == GANDER_SETTLE_DEAD ? Known::gone
              : op == GANDER_SETTLE_SNOOZE                        ? Known::later
                                                                  : Known::ready;
  }

  void reopen() {
    if (pick(6) != 0) return;
    const std::size_t who = pick(2);
    consumers_[who].close();
    for (auto& [id, k] : known_)
      if (k.where == Known::leased && k.owner == static_cast<int>(who))
        k.where = Known::ready, k.message.m.give_backs += 1;
    std::erase_if(held_,
                  [&](const Msg& m) { return known_.at(id_text(m.m.id)).where == Known::ready; });
    std::vector<Conn> next;
    for (std::size_t i = 0; i < 2; ++i)
      next.push_back(i == who ? on_.consumer(kit_.incarnation(), queues_)
                              : std::move(consumers_[i]));
    consumers_ = std::move(next);
  }

  // All that is ready comes, and nothing else does.
  void finish() {
    std::size_t ready = 0;
    for (const auto& [id, k] : known_) ready += k.where == Known::ready ? 1 : 0;
    for (const Patience patience; ready > 0 && patience.more();)
      for (const auto& q : queues_)
        for (const Msg& m : consumers_[0].take(q, 100)) taken(m, 0, q), --ready;
    expect(ready == 0, at(), ready, " message(s) were lost");
    for (const auto& q : queues_) kit_.expect_empty(consumers_[1], q, at() + "all have come");
  }

  std::string at() const { return say("at step ", step_, ": "); }

  Kit& kit_;
  Instance on_;
  Conn producer_;
  bool schedule_;
  std::vector<std::string> queues_;
  std::vector<Conn> consumers_;
  std::map<std::string, Known> known_;
  std::vector<Msg> held_;
  int step_ = 0;
};

void random_walk(Kit& kit) { Walk(kit).run(); }

constexpr CheckDef kChecks[] = {
    {{161, "random-walk", "random", "GBC-201 GBC-302 GBC-401 GBC-605", "",
      "a random row of operations agrees with a model at every step, and loses nothing"},
     random_walk},
    {{162, "another-walk", "random", "GBC-201 GBC-302 GBC-401 GBC-605", "", "so does another row"},
     random_walk},
};
}  // namespace

std::span<const CheckDef> random_checks() { return kChecks; }
}  // namespace gander::conformance
