#include "inspect.h"

#include <map>

#include "enqueue.h"
#include "state.h"

namespace gander::rabbitmq {
namespace {

std::string hex(const gander_id& id) {
  std::string out;
  for (const std::uint8_t byte : id.bytes) {
    out += "0123456789abcdef"[byte >> 4U];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

// The place of a dead letter in the list, so that texts sort as the list does: the newest first.
std::string cursor_of(const gander_message& m) {
  const std::string digits = std::to_string(INT64_MAX - std::max<std::int64_t>(m.failed_at_us, 0));
  return std::string(digits.size() < 20 ? 20 - digits.size() : 0, '0') + digits + "/" + hex(m.id);
}

}  // namespace

void only_the_dead(const Settings& settings, const std::string& what) {
  throw sdk::Error(GANDER_UNSUPPORTED,
                   settings.where() + ": the broker rabbitmq cannot " + what +
                       ": AMQP has no way to look into a queue, so only dead letters are listed "
                       "and found by id; use a broker with a table for that, as postgres or redis");
}

std::int64_t count_ready(Visit& visit, const Names& names, std::string_view queue) {
  std::int64_t ready = 0;
  for (const std::string& name : names.ready(address_of(queue)))
    ready += visit.client().count(name, visit.until()).value_or(0);
  return ready;
}

// All that there are: those that hold nothing cannot be told from those that hold what cannot be
// counted.
void Inspector::queues(const sdk::QueueVisitor& visitor, const sdk::Deadline& deadline) {
  std::map<std::string, gander_queue_stat> stats;
  {
    Visit visit(browser_, limit_of(deadline, instance_.settings));
    DeadLetters dead(instance_, publisher_, visit);
    for (const std::string& name : dead.names()) {
      const auto n = visit.client().count(instance_.names.dead(address_of(name)), visit.until());
      if (!n) continue;  // deleted, with all it held
      gander_queue_stat& stat = stats[name];
      stat.dead = *n;
      stat.ready = count_ready(visit, instance_.names, name);
      stat.paused = is_paused(visit.client(), instance_.names, name, visit.until()) ? 1 : 0;
    }
    dead.read_unrouted([&](gander_message& m, std::uint64_t) {
      ++stats[std::string(sdk::view(m.queue))].dead;
      return DeadLetters::Look::keep;
    });
  }
  for (auto& [name, stat] : stats) {
    stat.struct_size = sizeof stat;
    stat.queue = sdk::str(name);
    stat.scheduled = stat.leased = stat.retry = stat.oldest_ready_us = -1;
    if (!visitor(stat)) return;
  }
}

// Of all that is read no more is kept than one page.
void Inspector::messages(std::string_view queue, std::uint32_t state, std::string_view after,
                         std::uint32_t limit, const sdk::MessageVisitor& visitor,
                         const sdk::Deadline& deadline) {
  if (state != GANDER_STATE_DEAD)
    only_the_dead(instance_.settings, "list messages that are not dead");
  if (limit == 0) return;
  std::map<std::string, sdk::OwnedMessage> page;
  {
    Visit visit(browser_, limit_of(deadline, instance_.settings));
    DeadLetters dead(instance_, publisher_, visit);
    dead.read(queue, [&](gander_message& m, std::uint64_t) {
      std::string cursor = cursor_of(m);
      const bool behind = page.size() == limit && page.rbegin()->first <= cursor;
      if (cursor > after && !behind) page.try_emplace(std::move(cursor), m);
      if (page.size() > limit) page.erase(std::prev(page.end()));
      return DeadLetters::Look::keep;
    });
  }
  for (const auto& [cursor, m] : page)
    if (!visitor(m, cursor)) return;
}

void Inspector::get(const gander_id& id, const sdk::MessageVisitor& visitor,
                    const sdk::Deadline& deadline) {
  sdk::OwnedMessage found;
  bool is_found = false;
  {
    Visit visit(browser_, limit_of(deadline, instance_.settings));
    DeadLetters dead(instance_, publisher_, visit);
    dead.read("", [&](gander_message& m, std::uint64_t) {
      if (is_found || !sdk::IdEqual()(m.id, id)) return DeadLetters::Look::keep;
      is_found = true;
      found.assign(m);
      return DeadLetters::Look::stop;
    });
  }
  if (!is_found)
    only_the_dead(instance_.settings,
                  "tell what has become of a message that is not among the dead letters");
  visitor(found, cursor_of(found));
}

}  // namespace gander::rabbitmq
