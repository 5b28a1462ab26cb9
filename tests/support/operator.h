// What an operator sees and does, as values: an ADMIN session and the extensions of its broker.
// What fails is thrown as Failure; each call has a Call's usual time unless it is given another.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker_driver.h"

namespace gander::test {

using Numbers = std::vector<std::uint64_t>;
using Statuses = std::vector<gander_status>;

class Operator {
 public:
  explicit Operator(Broker& broker)
      : session_(broker.open(GANDER_ROLE_ADMIN)),
        inspect_(broker.extension<gander_ext_inspect>(GANDER_EXT_INSPECT)),
        manage_(broker.extension<gander_ext_manage>(GANDER_EXT_MANAGE)),
        health_(broker.extension<gander_ext_health>(GANDER_EXT_HEALTH)) {}

  struct Page {
    Numbers numbers;
    std::vector<std::uint32_t> states;  // of each
    std::vector<std::string> cursors;   // behind each
    std::size_t stop_after = SIZE_MAX;
  };
  // Of all queues where none is named.
  Page page(std::uint32_t state, const std::string& queue = "", std::uint32_t limit = 1000,
            const std::string& after = "", std::size_t stop_after = SIZE_MAX) {
    Page page;
    page.stop_after = stop_after;
    const Call call;
    gander_error e = blank_error();
    must(inspect_.messages(session_.raw(), &call, str(queue), state, str(after), limit, see, &page,
                           &e),
         e);
    return page;
  }
  Numbers list(std::uint32_t state, const std::string& queue = "") {
    return page(state, queue).numbers;
  }
  Page get(std::uint64_t number) {
    Page page;
    const gander_id id = id_of(number);
    const Call call;
    gander_error e = blank_error();
    must(inspect_.get(session_.raw(), &call, &id, see, &page, &e), e);
    return page;
  }
  std::map<std::string, gander_queue_stat> queues(const Call& call = Call()) {
    std::map<std::string, gander_queue_stat> all;
    const auto visit = [](void* user, const gander_queue_stat* q) noexcept -> std::int32_t {
      auto& into = *static_cast<std::map<std::string, gander_queue_stat>*>(user);
      into[std::string(view(q->queue))] = *q;
      return 0;
    };
    gander_error e = blank_error();
    must(inspect_.queues(session_.raw(), &call, visit, &all, &e), e);
    return all;
  }

  struct To {
    std::uint32_t state = GANDER_STATE_READY;
    std::string queue = "";  // where none is named, they stay in theirs
    std::uint32_t flags = 0;
    std::int64_t run_at = 0;
    std::string note = "";
  };
  Statuses move(const Numbers& numbers, const To& to, const Call& call = Call()) {
    const auto ids = ids_of(numbers);
    const gander_move_req request{sizeof request, static_cast<std::uint32_t>(ids.size()),
                                  ids.data(),     to.state,
                                  to.flags,       to.run_at,
                                  str(to.queue),  str(to.note)};
    Statuses verdicts(ids.size(), GANDER_INTERNAL);
    gander_error e = blank_error();
    must(manage_.move(session_.raw(), &call, &request, verdicts.data(), &e), e);
    return verdicts;
  }
  // As gander dead replay does where a queue has no front.
  Statuses replay(const Numbers& numbers, const std::string& to = "") {
    return move(numbers, {GANDER_STATE_READY, to, GANDER_MOVE_RESET_COUNTERS});
  }
  Statuses remove(const Numbers& numbers) {
    const auto ids = ids_of(numbers);
    Statuses verdicts(ids.size(), GANDER_INTERNAL);
    const Call call;
    gander_error e = blank_error();
    must(manage_.remove(session_.raw(), &call, ids.data(), ids.size(), verdicts.data(), &e), e);
    return verdicts;
  }
  std::uint64_t purge(std::uint32_t state, const std::string& queue = "",
                      std::int64_t before_us = 0, const Call& call = Call()) {
    std::uint64_t n = 0;
    gander_error e = blank_error();
    must(manage_.purge(session_.raw(), &call, str(queue), state, before_us, &n, &e), e);
    return n;
  }
  void pause(bool paused, const std::string& queue = "default", const Call& call = Call()) {
    gander_error e = blank_error();
    must(manage_.pause(session_.raw(), &call, str(queue), paused ? 1 : 0, &e), e);
  }

  struct HealthItem {
    std::string name, value, advice;
    std::uint32_t level = 0;
  };
  std::vector<HealthItem> health() {
    std::vector<HealthItem> all;
    const auto visit = [](void* user, const gander_health_item* i) noexcept -> std::int32_t {
      static_cast<std::vector<HealthItem>*>(user)->push_back(
          {std::string(view(i->name)), std::string(view(i->value)), std::string(view(i->advice)),
           static_cast<std::uint32_t>(i->level)});
      return 0;
    };
    const Call call;
    gander_error e = blank_error();
    must(health_.report(session_.raw(), &call, visit, &all, &e), e);
    return all;
  }

 private:
  static std::int32_t see(void* user, const gander_message* m, gander_str cursor) noexcept {
    auto& into = *static_cast<Page*>(user);
    into.numbers.push_back(number_of(m->id));
    into.states.push_back(m->state);
    into.cursors.emplace_back(view(cursor));
    return into.numbers.size() >= into.stop_after ? 1 : 0;
  }
  static std::vector<gander_id> ids_of(const Numbers& numbers) {
    std::vector<gander_id> ids;
    for (const std::uint64_t n : numbers) ids.push_back(id_of(n));
    return ids;
  }

  Session session_;
  const gander_ext_inspect& inspect_;
  const gander_ext_manage& manage_;
  const gander_ext_health& health_;
};

}  // namespace gander::test
