// Group inspect: inspect/1 and health/1.
#include <algorithm>
#include <set>

#include "../harness.h"

namespace gander::conformance {
namespace {

struct Shown {
  std::vector<Msg> messages;
  std::vector<std::string> cursors;
  std::size_t stop_after = SIZE_MAX;
  std::string unsupported;  // why, where the list was
};

// A queue server has no way to look into a queue that is worked on: a broker on one may say of
// messages that are not dead, and only of those, that it cannot. What the check has seen of the
// others counts.
void skip_unsupported(std::string_view what, std::string_view why) {
  if (!why.empty()) throw Skip(say(what, " is UNSUPPORTED for messages that are not dead: ", why));
}

std::int32_t on_message(void* user, const gander_message* m, gander_str cursor) noexcept {
  auto& shown = *static_cast<Shown*>(user);
  shown.messages.push_back(Msg::of(*m));
  shown.cursors.emplace_back(view(cursor));
  return shown.messages.size() >= shown.stop_after ? 1 : 0;
}

Shown list(Instance& on, Conn& admin, const std::string& queue, std::uint32_t state,
           const std::string& after = "", std::uint32_t limit = 1000, std::size_t stop = SIZE_MAX) {
  Shown shown;
  shown.stop_after = stop;
  gander_error error{};
  error.struct_size = sizeof(error);
  const auto status = on.extension<gander_ext_inspect>(GANDER_EXT_INSPECT)
                          ->messages(admin.get(), nullptr, str(queue), state, str(after), limit,
                                     on_message, &shown, &error);
  if (status == GANDER_UNSUPPORTED && state != GANDER_STATE_DEAD)
    shown.unsupported = error.message[0] == 0 ? "no reason given" : error.message;
  else
    expect_status(status, GANDER_OK, "messages", &error);
  return shown;
}

struct QueueStat {
  std::string name;
  gander_queue_stat stat;
};
std::int32_t on_queue(void* user, const gander_queue_stat* q) noexcept {
  static_cast<std::vector<QueueStat>*>(user)->push_back({std::string(view(q->queue)), *q});
  return 0;
}
std::vector<QueueStat> queues(Instance& on, Conn& admin) {
  std::vector<QueueStat> all;
  expect_status(on.extension<gander_ext_inspect>(GANDER_EXT_INSPECT)
                    ->queues(admin.get(), nullptr, on_queue, &all, nullptr),
                GANDER_OK, "queues");
  return all;
}

// A queue with two messages in each state but one: 3 ready.
struct Stage {
  explicit Stage(Kit& kit)
      : q(kit.queue()),
        on(kit),
        producer(on.producer()),
        consumer(on.consumer(kit.incarnation(), {q})),
        admin(on.admin()) {
    for (const Msg& m : kit.messages(q, 6)) producer.put(m);
    const auto got = kit.take_all(consumer, q, 6);
    const auto in = [&](Msg m, std::int64_t s) {
      m.m.run_at_us = on.host().now_us() + s * kSecond;
      m.m.failed_at_us = on.host().now_us() + s;
      return m;
    };
    for (const auto v : consumer
                            .exchange({{in(got[0], 300), q, GANDER_SETTLE_RETRY},
                                       {in(got[1], 200), q, GANDER_SETTLE_RETRY},
                                       {in(got[2], 1), q, GANDER_SETTLE_DEAD},
                                       {in(got[3], 2), q, GANDER_SETTLE_DEAD}},
                                      {})
                            .verdicts)
      expect_status(v, GANDER_OK, "verdict of a settle");
    retries = {got[1], got[0]}, dead = {got[3], got[2]}, leased = {got[4], got[5]};
    for (int i = 0; i < 3; ++i) ready.push_back(kit.message(q, say("ready ", i)));
    for (const Msg& m : ready) producer.put(m);
    scheduled = {kit.message(q), kit.message(q)};
    scheduled[0].m.run_at_us = on.host().now_us() + 100 * kSecond;
    scheduled[1].m.run_at_us = on.host().now_us() + 150 * kSecond;
    producer.put(scheduled[1]);
    producer.put(scheduled[0]);
  }
  const std::vector<Msg>& of(std::uint32_t state) const {
    return state == GANDER_STATE_READY       ? ready
           : state == GANDER_STATE_SCHEDULED ? scheduled
           : state == GANDER_STATE_LEASED    ? leased
           : state == GANDER_STATE_RETRY     ? retries
                                             : dead;
  }
  std::string q;
  Instance on;
  Conn producer, consumer, admin;
  std::vector<Msg> ready, scheduled, leased, retries, dead;
};

void counts(Kit& kit) {
  Stage stage(kit);
  const auto find = [&](const std::vector<QueueStat>& all) {
    expect(std::ranges::is_sorted(all, {}, &QueueStat::name),
           "queues are not in the order of names");
    const auto mine = std::ranges::find(all, stage.q, &QueueStat::name);
    expect(mine != all.end(), "the queue is not listed");
    return mine;
  };
  auto all = queues(stage.on, stage.admin);
  auto mine = find(all);
  // What a server has pushed ahead to a worker that does not ask for it is ready again soon.
  for (const Patience patience; mine->stat.ready != 3 && mine->stat.ready != -1 && patience.more();)
    all = queues(stage.on, stage.admin), mine = find(all);
  const auto same = [](const char* name, std::int64_t got, std::int64_t want) {
    expect(got == want || got == -1, name, " is ", got, ", there are ", want);
  };
  same("ready", mine->stat.ready, 3);
  same("scheduled", mine->stat.scheduled, 2);
  same("leased", mine->stat.leased, 2);
  same("retry", mine->stat.retry, 2);
  same("dead", mine->stat.dead, 2);
  same("oldest_ready_us", mine->stat.oldest_ready_us, stage.ready[0].m.enqueued_at_us);
  expect(mine->stat.paused == 0, "the queue is shown as paused");
}

void states_listed(Kit& kit) {
  Stage stage(kit);
  std::string unsupported;
  for (const std::uint32_t state : {1U, 2U, 3U, 4U, 5U}) {
    const auto& want = stage.of(state);
    const Shown shown = list(stage.on, stage.admin, stage.q, state);
    if (!shown.unsupported.empty()) {
      unsupported = shown.unsupported;
      continue;
    }
    expect(shown.messages.size() == want.size(), "state ", state, " lists ", shown.messages.size(),
           " messages, there are ", want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      expect(shown.messages[i].m.state == state, "a message of state ", state, " is shown as ",
             shown.messages[i].m.state);
      const bool any_order = state == GANDER_STATE_LEASED ||
                             (state == GANDER_STATE_READY && !kit.has_cap(GANDER_CAP_ORDERED));
      if (!any_order)
        expect(same_id(shown.messages[i].m.id, want[i].m.id), "state ", state,
               " lists another message in place ", i);
    }
  }
  const Shown everywhere = list(stage.on, stage.admin, "", GANDER_STATE_DEAD);
  expect(everywhere.messages.size() >= 2, "an empty queue name does not mean all queues");
  skip_unsupported("messages", unsupported);
}

void paging(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer(), admin = on.admin();
  auto sent = kit.messages(q, 50);
  for (std::size_t i = 0; i < sent.size(); ++i)
    sent[i].m.priority = static_cast<std::uint32_t>(i % 3);
  producer.enqueue(sent);
  std::uint32_t state = GANDER_STATE_READY;
  if (!list(on, admin, q, state, "", 1).unsupported.empty()) {
    state = GANDER_STATE_DEAD;
    Conn consumer = on.consumer(kit.incarnation(), {q});
    std::vector<Settle> settles;
    for (const Msg& m : kit.take_all(consumer, q, 50))
      settles.push_back({m, q, GANDER_SETTLE_DEAD});
    consumer.exchange(settles, {});
  }
  std::set<std::string> seen;
  std::string after;
  std::size_t pages = 0;
  for (;; ++pages) {
    const Shown page = list(on, admin, q, state, after, 7);
    expect(page.messages.size() <= 7, "a page of 7 showed ", page.messages.size());
    for (const Msg& m : page.messages)
      expect(seen.insert(id_text(m.m.id)).second, "a message is on two pages");
    if (page.messages.empty()) break;
    expect(pages < 20, "the pages do not end");
    after = page.cursors.back();
  }
  expect(seen.size() == 50, "the pages showed ", seen.size(), " of 50 messages");
}

void visitor_stops(Kit& kit) {
  Stage stage(kit);
  Shown shown = list(stage.on, stage.admin, stage.q, GANDER_STATE_READY, "", 100, 1);
  if (!shown.unsupported.empty())
    shown = list(stage.on, stage.admin, stage.q, GANDER_STATE_DEAD, "", 100, 1);
  expect(shown.messages.size() == 1, "a visitor that stopped after 1 was shown ",
         shown.messages.size());
}

void get_one(Kit& kit) {
  Stage stage(kit);
  const auto* ext = stage.on.extension<gander_ext_inspect>(GANDER_EXT_INSPECT);
  gander_error error{};
  error.struct_size = sizeof(error);
  std::string unsupported;
  for (const std::uint32_t state : {1U, 2U, 3U, 4U, 5U}) {
    const Msg& want = stage.of(state)[0];
    Shown shown;
    const auto status =
        ext->get(stage.admin.get(), nullptr, &want.m.id, on_message, &shown, &error);
    if (status == GANDER_UNSUPPORTED && state != GANDER_STATE_DEAD) {
      unsupported = error.message;
      continue;
    }
    expect_status(status, GANDER_OK, say("get of a message in state ", state), &error);
    expect(shown.messages.size() == 1 && shown.messages[0].m.state == state &&
               same_id(shown.messages[0].m.id, want.m.id) && shown.messages[0].body == want.body,
           "get showed another message than the one in state ", state);
  }
  skip_unsupported("get", unsupported);
  const Msg unknown = kit.message(stage.q);
  Shown shown;
  expect_status(ext->get(stage.admin.get(), nullptr, &unknown.m.id, on_message, &shown, nullptr),
                GANDER_NOT_FOUND, "get of an unknown id");
}

void looks_only(Kit& kit) {
  Stage stage(kit);
  for (const std::uint32_t state : {1U, 2U, 3U, 4U, 5U})
    list(stage.on, stage.admin, stage.q, state);
  queues(stage.on, stage.admin);
  const auto got = kit.take_all(stage.consumer, stage.q, 3);
  for (const Msg& m : got)
    expect(std::ranges::any_of(stage.ready, [&](const Msg& r) { return difference(m, r).empty(); }),
           "looking changed a message");
  for (const Msg& m : stage.leased) stage.consumer.ack(m);
}

std::int32_t on_health(void* user, const gander_health_item* item) noexcept {
  static_cast<std::vector<std::uint32_t>*>(user)->push_back(item->level);
  return 0;
}

void health(Kit& kit) {
  Instance on(kit);
  Conn admin = on.admin();
  const auto* ext = on.extension<gander_ext_health>(GANDER_EXT_HEALTH);
  std::int64_t rtt = -1, now = -1;
  expect_status(ext->ping(admin.get(), nullptr, &rtt, &now, nullptr), GANDER_OK, "ping");
  expect(rtt >= 0 && rtt < 10 * kSecond, "the round trip took ", rtt, " us");
  expect(now == 0 || std::abs(now - wall_now_us()) < 86'400 * kSecond,
         "the server's clock is a day off");
  std::vector<std::uint32_t> levels;
  expect_status(ext->report(admin.get(), nullptr, on_health, &levels, nullptr), GANDER_OK,
                "report");
  expect(std::ranges::is_sorted(levels, std::greater{}), "the worst does not come first");
  for (const auto level : levels)
    expect(level >= GANDER_LOG_INFO && level <= GANDER_LOG_ERROR, "an item is of level ", level);
}

constexpr CheckDef kChecks[] = {
    {{141, "counts", "inspect", "GBC-801", "inspect schedule",
      "the counts of a queue are exact or -1"},
     counts},
    {{142, "states-listed", "inspect", "GBC-803", "inspect schedule",
      "each state lists its messages in the order of taking, falling due, or newest death"},
     states_listed},
    {{143, "paging", "inspect", "GBC-804", "inspect", "pages have no gap and no overlap"}, paging},
    {{144, "visitor-stops", "inspect", "GBC-802", "inspect schedule",
      "a visitor that says stop is shown no more"},
     visitor_stops},
    {{145, "get-one", "inspect", "GBC-808", "inspect schedule",
      "get shows a message in whatever state, or is NOT_FOUND"},
     get_one},
    {{146, "looks-only", "inspect", "GBC-809", "inspect schedule", "looking changes nothing"},
     looks_only},
    {{147, "health", "inspect", "GBC-810", "health", "ping and report answer, the worst first"},
     health},
};
}  // namespace

std::span<const CheckDef> inspect_checks() { return kChecks; }
}  // namespace gander::conformance
