#include "health.h"

#include <algorithm>
#include <functional>

#include "dead.h"
#include "enqueue.h"
#include "inspect.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::steady_clock;

// A server that takes messages says so much sooner.
constexpr std::chrono::milliseconds kAlarmWithin{500};

struct Item {
  std::uint32_t level;
  std::string name, value, advice;
};

Item alarm(Publisher& publisher, TimePoint until) {
  const std::string why = publisher.alarm(std::min(until, steady_clock::now() + kAlarmWithin));
  if (why.empty()) return {GANDER_LOG_INFO, "alarm", "none", ""};
  return {GANDER_LOG_ERROR, "alarm", why,
          "no message is taken, so enqueues, retries and dead letters wait: give the server memory "
          "or disk space"};
}

Item unrouted(Visit& visit, const Names& names) {
  const std::uint32_t n = visit.client().count(names.unrouted(), visit.until()).value_or(0);
  if (n == 0) return {GANDER_LOG_INFO, "unrouted", "0", ""};
  return {GANDER_LOG_WARN, "unrouted", std::to_string(n),
          "their queues were deleted while they waited: they are listed as dead letters; replay or "
          "delete them"};
}

// Of all queues together: the levels of the cascade are shared.
Item waiting(Visit& visit, const Names& names) {
  std::uint64_t n = 0;
  for (int k = kDelayLevels - 1; k >= 0; --k) {
    const auto here = visit.client().count(names.level(k), visit.until());
    if (!here) break;  // never used: the first is asked for in vain, the rest not at all
    n += *here;
  }
  return {GANDER_LOG_INFO, "wait for their time", std::to_string(n), ""};
}

// Messages that nobody takes.
void add_idle_queues(std::vector<Item>& items, Instance& instance, Visit& visit,
                     const std::vector<std::string>& queues) {
  for (const std::string& queue : queues) {
    std::uint64_t ready = 0, consumers = 0;
    for (const std::string& name : instance.names.ready(address_of(queue))) {
      const auto size = visit.client().size(name, visit.until());
      if (!size) continue;
      ready += size->messages;
      consumers += size->consumers;
    }
    if (ready > 0 && consumers == 0)
      items.push_back({GANDER_LOG_WARN, "queue '" + queue + "'",
                       std::to_string(ready) + " are ready, and no worker takes them",
                       "start a worker for it, or resume it if it is paused"});
  }
}

}  // namespace

void report_health(Instance& instance, Browser& browser, Publisher& publisher,
                   const sdk::HealthVisitor& visitor, const sdk::Deadline& deadline) {
  const TimePoint until = limit_of(deadline, instance.settings);
  std::vector<Item> items = {alarm(publisher, until)};
  {
    Visit visit(browser, until);
    items.push_back({GANDER_LOG_INFO, "server", visit.client().server(), ""});
    items.push_back(unrouted(visit, instance.names));
    items.push_back(waiting(visit, instance.names));
    add_idle_queues(items, instance, visit, DeadLetters(instance, publisher, visit).names());
  }
  std::ranges::stable_sort(items, std::greater{}, &Item::level);
  for (const Item& item : items) {
    const gander_health_item shown{sizeof shown, item.level, sdk::str(item.name),
                                   sdk::str(item.value), sdk::str(item.advice)};
    if (!visitor(shown)) return;
  }
}

}  // namespace gander::rabbitmq
