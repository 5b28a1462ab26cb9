#include "enqueue.h"
#include "inspect.h"
#include "manage.h"

namespace gander::rabbitmq {

std::uint64_t Manager::purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                             const sdk::Deadline& deadline) {
  const bool dead = state == GANDER_STATE_DEAD;
  if (!dead && state != GANDER_STATE_READY)
    only_the_dead(instance_.settings, "purge messages that wait for their time");
  if (!dead && before_us != 0)
    only_the_dead(instance_.settings, "purge messages that are ready by their age");
  Visit visit(browser_, limit_of(deadline, instance_.settings));
  std::uint64_t done = 0;
  try {
    if (dead) {
      purge_dead(visit, queue, before_us, done);
    } else if (!queue.empty()) {
      purge_ready(visit, queue, done);
    } else {
      for (const std::string& name : DeadLetters(instance_, publisher_, visit).names())
        purge_ready(visit, name, done);
    }
  } catch (const sdk::Error& e) {
    if (e.code() != GANDER_TIMEOUT) throw;
    throw sdk::PartlyDone(done, visit.client().where() + ": purge: " + std::to_string(done) +
                                    " were deleted in time; call again for the rest");
  }
  return done;
}

void Manager::purge_ready(Visit& visit, std::string_view queue, std::uint64_t& done) {
  for (const std::string& name : instance_.names.ready(address_of(queue)))
    if (visit.client().count(name, visit.until()).value_or(0) > 0)
      done += visit.client().purge(name, visit.until());
}

// All of a queue the server drops without showing them.
void Manager::purge_dead(Visit& visit, std::string_view queue, std::int64_t before_us,
                         std::uint64_t& done) {
  DeadLetters letters(instance_, publisher_, visit);
  const auto drop = [&](gander_message& m, std::uint64_t tag) {
    const bool chosen = (queue.empty() || sdk::view(m.queue) == queue) &&
                        (before_us == 0 || m.failed_at_us < before_us);
    if (!chosen) return DeadLetters::Look::keep;
    visit.drop(tag);
    ++done;
    return DeadLetters::Look::take;
  };
  if (before_us != 0) return letters.read(queue, drop);
  std::vector<std::string> names{std::string(queue)};
  if (queue.empty()) names = letters.names();
  for (const std::string& name : names) {
    const std::string dead = instance_.names.dead(address_of(name));
    if (visit.client().count(dead, visit.until()).value_or(0) > 0)
      done += visit.client().purge(dead, visit.until());
  }
  letters.read_unrouted(drop);
}

}  // namespace gander::rabbitmq
