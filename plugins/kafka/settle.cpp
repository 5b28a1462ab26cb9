#include "settle.h"

#include <unordered_set>

#include "outgoing.h"

namespace gander::kafka {
namespace {

bool same(gander_bytes a, gander_bytes b) { return sdk::view(a) == sdk::view(b); }
bool same(gander_str a, gander_str b) { return sdk::view(a) == sdk::view(b); }

// Whether the record as it is, and the counts beside it, say all of what came back.
bool differs_only_in_counts(const gander_message& a, const gander_message& b) {
  return a.crashes >= b.crashes && a.give_backs >= b.give_backs && a.attempts == b.attempts &&
         a.priority == b.priority && a.enqueued_at_us == b.enqueued_at_us &&
         a.run_at_us == b.run_at_us && a.first_failed_at_us == b.first_failed_at_us &&
         a.failed_at_us == b.failed_at_us && same(a.queue, b.queue) && same(a.note, b.note) &&
         same(a.body, b.body);
}

bool needs_successor(const gander_settle& settle, const Delivery& delivery) {
  if (settle.op == GANDER_SETTLE_ACK) return false;
  if (settle.op != GANDER_SETTLE_GIVE_BACK) return true;
  return !differs_only_in_counts(*settle.message, delivery.message);
}

class Successors {
 public:
  Successors(Instance& instance, const sdk::Deadline& deadline)
      : topics_(instance.topics), now_us_(instance.host.now_us()), deadline_(deadline) {}

  Outgoing of(const gander_settle& settle) { return of(settle, *settle.message); }
  // Of one that a topic's limit refuses: a job's last error gives way, as a successor that is never
  // stored would never leave its worker.
  Outgoing without_note(const gander_settle& settle) {
    gander_message bare = *settle.message;
    bare.note = {};
    return of(settle, bare);
  }

 private:
  Outgoing of(const gander_settle& settle, gander_message m) {
    const Names& names = topics_.names();
    if (settle.op == GANDER_SETTLE_DEAD) {
      m.state = GANDER_STATE_DEAD;
      return kept_record(names.dead(), m);
    }
    topics_.need_queue(sdk::view(m.queue), deadline_);
    if (settle.op != GANDER_SETTLE_GIVE_BACK && m.run_at_us > now_us_) {
      m.state = settle.op == GANDER_SETTLE_RETRY ? GANDER_STATE_RETRY : GANDER_STATE_SCHEDULED;
      return kept_record(names.scheduled(), m);
    }
    return ready_record(names, m);
  }

  Topics& topics_;
  std::int64_t now_us_;
  const sdk::Deadline& deadline_;
};

// Under the member's mutex. The first settle of a delivery counts; whoever comes second finds it
// gone, also within one call.
std::vector<Delivery*> find_all(Member& member, const std::string& incarnation,
                                sdk::Settles settles) {
  std::vector<Delivery*> found;
  std::unordered_set<const Delivery*> seen;
  for (const gander_settle* settle : settles) {
    Delivery* delivery = member.stock().find(*settle->message, incarnation);
    found.push_back(delivery != nullptr && seen.insert(delivery).second ? delivery : nullptr);
  }
  return found;
}

// What is settled in memory: all but the successors, which are written by now.
void apply(Member& member, const sdk::Exchange& exchange, const std::vector<Delivery*>& found,
           std::set<std::string>& rung) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    const gander_settle& settle = *exchange.settles[i];
    exchange.verdicts[i] = found[i] == nullptr ? GANDER_LEASE_LOST : GANDER_OK;
    if (found[i] == nullptr) continue;
    if (settle.op == GANDER_SETTLE_GIVE_BACK && !needs_successor(settle, *found[i])) {
      rung.emplace(sdk::view(found[i]->message.queue));
      member.stock().give_back(*found[i], *settle.message);
    } else if (const std::string* queue = member.stock().finish(*found[i])) {
      rung.insert(*queue);
    }
  }
}

bool any_successor(sdk::Settles settles, const std::vector<Delivery*>& found) {
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i] != nullptr && needs_successor(*settles[i], *found[i])) return true;
  return false;
}

}  // namespace

void settle(Instance& instance, Member& member, const std::string& incarnation,
            const sdk::Exchange& exchange, const sdk::Deadline& deadline,
            std::set<std::string>& rung) {
  if (exchange.settles.empty()) return;
  {
    // As a rule: acks and give-backs alone, which wait for no answer of the cluster.
    const std::lock_guard lock(member.mutex());
    const auto found = find_all(member, incarnation, exchange.settles);
    if (!any_successor(exchange.settles, found)) return apply(member, exchange, found, rung);
  }
  const auto commits = member.hold_commits(deadline);
  std::unique_lock lock(member.mutex());
  const auto found = find_all(member, incarnation, exchange.settles);
  lock.unlock();
  std::vector<Outgoing> records;
  std::vector<const Record*> written;
  const gander_settle* last = nullptr;
  Successors successors(instance, deadline);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] == nullptr || !needs_successor(*exchange.settles[i], *found[i])) continue;
    last = exchange.settles[i];
    records.push_back(successors.of(*last));
    written.push_back(found[i]);
  }
  try {
    if (!records.empty()) member.write(records, written, deadline);
  } catch (const sdk::Error& e) {
    // Of several the host finds out which, one at a time.
    if (e.code() != GANDER_TOO_LARGE || records.size() != 1) throw;
    if (last->message->note.len == 0) throw;
    member.write({successors.without_note(*last)}, written, deadline);
  }
  lock.lock();
  apply(member, exchange, found, rung);
}

}  // namespace gander::kafka
