#include "manage.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "enqueue.h"
#include "error.h"
#include "inspect.h"
#include "state.h"

namespace gander::rabbitmq {
namespace {

constexpr std::chrono::milliseconds kTellEvery{10};
constexpr std::size_t kChosen = SIZE_MAX;

}  // namespace

void Manager::pause(std::string_view queue, bool paused, const sdk::Deadline& deadline) {
  const TimePoint until = limit_of(deadline, instance_.settings);
  const std::string address = address_of(queue), name(queue);
  publisher_.ensure_queues(std::span(&name, 1), until);
  Visit visit(browser_, until);
  write_paused(visit.client(), instance_.names, queue, paused, visit.until());
  if (!paused) {
    publisher_.tell(listeners_key(address), queue, visit.until());
    return;
  }
  bool taken = false;  // by a worker, when that was heard last
  try {
    while (publisher_.tell(takers_key(address), queue, visit.until())) {
      taken = true;
      std::this_thread::sleep_for(kTellEvery);
    }
  } catch (const sdk::Error& e) {
    if (e.code() != GANDER_TIMEOUT) throw;
    throw timed_out(visit.client().where(),
                    "'" + name + "' is paused, but " +
                        (taken ? "a worker did not let go of it"
                               : "the server did not say whether its workers know"));
  }
}

// One that is there twice, as after a crash, is so no more.
std::vector<Manager::Chosen> Manager::choose(std::span<const gander_id> ids, sdk::Verdicts verdicts,
                                             Visit& visit) {
  std::ranges::fill(verdicts, GANDER_UNSUPPORTED);
  sdk::IdMap<std::size_t> wanted;
  for (std::size_t i = 0; i < ids.size(); ++i) wanted.try_emplace(ids[i], i);
  std::vector<Chosen> chosen;
  DeadLetters dead(instance_, publisher_, visit);
  dead.read("", [&](gander_message& m, std::uint64_t tag) {
    const auto it = wanted.find(m.id);
    if (it == wanted.end()) return DeadLetters::Look::keep;
    if (it->second == kChosen) {
      visit.drop(tag);
      return DeadLetters::Look::take;
    }
    chosen.push_back({tag, std::exchange(it->second, kChosen), sdk::OwnedMessage(m)});
    return DeadLetters::Look::take;
  });
  return chosen;
}

void Manager::make_successor(gander_message& m, const gander_move_req& request) const {
  if (request.to_queue.len != 0) m.queue = request.to_queue;
  if ((request.flags & GANDER_MOVE_RESET_COUNTERS) != 0) {
    m.attempts = m.crashes = 0;
    m.failed_at_us = m.first_failed_at_us = 0;
  }
  if (request.to_state == GANDER_STATE_DEAD)
    m.note = request.note;
  else
    m.run_at_us = request.to_state == GANDER_STATE_SCHEDULED ? request.run_at_us : 0;
}

void Manager::move(const gander_move_req& request, sdk::Verdicts verdicts,
                   const sdk::Deadline& deadline) {
  Visit visit(browser_, limit_of(deadline, instance_.settings));
  std::vector<Chosen> chosen = choose({request.ids, request.count}, verdicts, visit);
  std::vector<Outgoing> items;
  const bool later = request.to_state == GANDER_STATE_SCHEDULED;
  const std::int64_t delay = later ? delay_until(request.run_at_us, instance_.host.now_us()) : 0;
  if (delay > kLongestDelay) return;
  for (Chosen& c : chosen) {
    make_successor(c.message, request);
    if (request.to_state == GANDER_STATE_DEAD)
      items.push_back({&c.message, GANDER_STATE_DEAD, Outgoing::To::dead});
    else if (delay > 0)
      items.push_back({&c.message, GANDER_STATE_SCHEDULED, Outgoing::To::later, delay});
    else
      items.push_back({&c.message, GANDER_STATE_READY});
  }
  if (items.empty()) return;
  publisher_.publish(items, Publisher::WhenBlocked::fail, visit.until());
  const auto is_away = [](const Outgoing& o) { return o.result == Outgoing::Result::away; };
  if (std::ranges::all_of(items, is_away)) throw instance_.quorums.error(items.front().part());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool stored = items[i].result == Outgoing::Result::stored;
    const bool too_large = items[i].result == Outgoing::Result::too_large;
    verdicts[chosen[i].place] = stored ? GANDER_OK : too_large ? GANDER_TOO_LARGE : GANDER_FULL;
    if (!stored) continue;
    visit.drop(chosen[i].tag);
    if (items[i].to == Outgoing::To::work) instance_.bell.ring(sdk::view(chosen[i].message.queue));
  }
}

void Manager::remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
                     const sdk::Deadline& deadline) {
  Visit visit(browser_, limit_of(deadline, instance_.settings));
  for (const Chosen& c : choose(ids, verdicts, visit)) {
    visit.drop(c.tag);
    verdicts[c.place] = GANDER_OK;
  }
  visit.put_back();  // which the server answers, and so all before it
}

}  // namespace gander::rabbitmq
