// Group manage: manage/1.
#include <algorithm>

#include "../harness.h"

namespace gander::conformance {
namespace {

// A log cannot be changed in its middle: a broker on one may say of messages that are ready, and
// only of those, that it cannot. What the check has seen until then counts.
void skip_unsupported(gander_status status, std::string_view what, std::string_view why) {
  if (status == GANDER_UNSUPPORTED)
    throw Skip(
        say(what, " is UNSUPPORTED for messages that are ready", why.empty() ? "" : ": ", why));
}

// Nor can one on a queue server find by id what is not dead, or say that there is none.
void skip_unsupported(gander_status status) {
  if (status == GANDER_UNSUPPORTED) throw Skip("only dead letters are found by id: UNSUPPORTED");
}

struct Desk {
  explicit Desk(Kit& kit)
      : q(kit.queue()),
        on(kit),
        producer(on.producer()),
        consumer(on.consumer(kit.incarnation(), {q})),
        admin(on.admin()),
        ext(on.extension<gander_ext_manage>(GANDER_EXT_MANAGE)) {}
  void pause(bool paused) {
    expect_status(ext->pause(admin.get(), nullptr, str(q), paused ? 1 : 0, nullptr), GANDER_OK,
                  "pause");
  }
  std::uint64_t purge(std::uint32_t state, std::int64_t before_us = 0) {
    std::uint64_t n = 0;
    gander_error error{};
    error.struct_size = sizeof(error);
    const auto status = ext->purge(admin.get(), nullptr, str(q), state, before_us, &n, &error);
    if (state == GANDER_STATE_READY) skip_unsupported(status, "purge", error.message);
    expect_status(status, GANDER_OK, say("purge of state ", state), &error);
    return n;
  }
  std::vector<gander_status> move(const std::vector<Msg>& list, std::uint32_t to,
                                  std::uint32_t flags = 0, std::int64_t run_at_us = 0,
                                  const std::string& queue = "",
                                  gander_status expected = GANDER_OK) {
    std::vector<gander_id> ids;
    for (const Msg& m : list) ids.push_back(m.m.id);
    const gander_move_req req = {sizeof(req), static_cast<std::uint32_t>(ids.size()),
                                 ids.data(),  to,
                                 flags,       run_at_us,
                                 str(queue),  str("moved")};
    std::vector<gander_status> verdicts(ids.size(), kUnwritten);
    expect_status(ext->move(admin.get(), nullptr, &req, verdicts.data(), nullptr), expected,
                  "move");
    return verdicts;
  }
  std::vector<gander_status> remove(const std::vector<Msg>& list) {
    std::vector<gander_id> ids;
    for (const Msg& m : list) ids.push_back(m.m.id);
    std::vector<gander_status> verdicts(ids.size(), kUnwritten);
    expect_status(
        ext->remove(admin.get(), nullptr, ids.data(), ids.size(), verdicts.data(), nullptr),
        GANDER_OK, "remove");
    return verdicts;
  }
  // One message, taken and settled as dead.
  Msg dead_letter(Kit& kit, std::int64_t failed_at_us) {
    producer.put(kit.message(q, "dead"));
    Msg m = kit.take_all(consumer, q, 1)[0];
    m.m.attempts = 5, m.m.failed_at_us = m.m.first_failed_at_us = failed_at_us;
    expect_status(consumer.settle(m, GANDER_SETTLE_DEAD), GANDER_OK, "verdict of the dead");
    return m;
  }
  std::string q;
  Instance on;
  Conn producer, consumer, admin;
  const gander_ext_manage* ext;
};

void pauses(Kit& kit) {
  Desk d(kit);
  d.producer.put(kit.message(d.q));
  d.pause(true);
  d.pause(true);
  d.producer.put(kit.message(d.q));
  kit.expect_empty(d.consumer, d.q, "the queue is paused");
  d.pause(false);
  kit.take_all(d.consumer, d.q, 2);
}

void purges(Kit& kit) {
  Desk d(kit);
  d.dead_letter(kit, d.on.host().now_us());
  expect(d.purge(GANDER_STATE_DEAD) == 1, "purge of the dead did not delete the one dead letter");
  auto list = kit.messages(d.q, 6);
  for (std::size_t i = 0; i < list.size(); ++i)
    list[i].m.enqueued_at_us = 1000 + static_cast<std::int64_t>(i);
  d.producer.enqueue(list);
  const Msg held = kit.take_all(d.consumer, d.q, 1)[0];
  const auto old = d.purge(GANDER_STATE_READY, 1003);
  const auto older = std::ranges::count_if(
      list, [&](const Msg& m) { return m.m.enqueued_at_us < 1003 && !same_id(m.m.id, held.m.id); });
  expect(old == static_cast<std::uint64_t>(older), "purge by age deleted ", old, ", due were ",
         older);
  const auto rest = d.purge(GANDER_STATE_READY);
  expect(rest + old == 5, "purge deleted ", rest + old, " of 5 ready messages");
  kit.expect_empty(d.consumer, d.q, "all that was ready was purged");
  d.consumer.ack(held);
}

void moves(Kit& kit) {
  Desk d(kit);
  const Msg dead = d.dead_letter(kit, 77);
  const bool front = kit.has_cap(GANDER_CAP_FRONT);
  if (!front) d.move({dead}, GANDER_STATE_READY, GANDER_MOVE_FRONT, 0, "", GANDER_UNSUPPORTED);
  expect_status(d.move({dead}, GANDER_STATE_READY,
                       (front ? GANDER_MOVE_FRONT : 0U) | GANDER_MOVE_RESET_COUNTERS)[0],
                GANDER_OK, "verdict of the requeue");
  const Msg again = kit.take_all(d.consumer, d.q, 1)[0];
  expect(again.m.attempts == 0 && again.m.failed_at_us == 0 && again.m.first_failed_at_us == 0,
         "RESET_COUNTERS left attempts or failure times");
  d.consumer.ack(again);
  const auto unknown = d.move({kit.message(d.q)}, GANDER_STATE_READY)[0];
  skip_unsupported(unknown);
  expect_status(unknown, GANDER_NOT_FOUND, "verdict of an unknown id");
  const Msg other = kit.message(d.q);
  d.producer.put(other);
  const std::string to = kit.queue("moved");
  const auto verdict = d.move({other}, GANDER_STATE_READY, 0, 0, to)[0];
  skip_unsupported(verdict, "move", "");
  expect_status(verdict, GANDER_OK, "verdict of the move");
  kit.expect_empty(d.consumer, d.q, "it was moved to another queue");
  const Msg moved = kit.take_all(d.consumer, to, 1)[0];
  expect(same_id(moved.m.id, other.m.id) && moved.body == other.body, "another message came");
  d.consumer.ack(moved);
  const Msg live = kit.message(d.q);
  d.producer.put(live);
  expect_status(d.move({live}, GANDER_STATE_DEAD)[0], GANDER_OK, "verdict of the move to the dead");
  kit.expect_empty(d.consumer, d.q, "it was moved to the dead letters");
}

void moves_later(Kit& kit) {
  Desk d(kit);
  const Msg dead = d.dead_letter(kit, 77);
  const Msg m = kit.message(d.q);
  d.producer.put(m);
  const auto at = d.on.host().now_us() + 500 * kMillisecond;
  expect_status(d.move({dead}, GANDER_STATE_SCHEDULED, 0, at)[0], GANDER_OK,
                "verdict of the move of a dead letter");
  const auto verdict = d.move({m}, GANDER_STATE_SCHEDULED, 0, at)[0];
  if (verdict != GANDER_UNSUPPORTED) {
    expect_status(verdict, GANDER_OK, "verdict of the move");
    kit.expect_empty(d.consumer, d.q, "both were moved to later");
  }
  d.on.pass(600 * kMillisecond);
  kit.take_all(d.consumer, d.q, 2);
  skip_unsupported(verdict, "move", "");
}

void removes(Kit& kit) {
  Desk d(kit);
  const Msg dead = d.dead_letter(kit, 77);
  const auto first = d.remove({dead, kit.message(d.q)});
  expect_status(first[0], GANDER_OK, "verdict of removing a dead letter");
  skip_unsupported(first[1]);
  expect_status(first[1], GANDER_NOT_FOUND, "verdict of an unknown id");
  expect_status(d.remove({dead})[0], GANDER_NOT_FOUND, "verdict of removing it again");
  const auto list = kit.messages(d.q, 3);
  d.producer.enqueue(list);
  const auto verdicts = d.remove({list[0], kit.message(d.q), list[2]});
  skip_unsupported(verdicts[0], "remove", "");
  expect_status(verdicts[0], GANDER_OK, "verdict of a removal");
  expect_status(verdicts[1], GANDER_NOT_FOUND, "verdict of an unknown id");
  expect_status(verdicts[2], GANDER_OK, "verdict of a removal");
  expect(same_id(kit.take_all(d.consumer, d.q, 1)[0].m.id, list[1].m.id), "a removed message came");
  kit.expect_empty(d.consumer, d.q, "two of three were removed");
}

void leased_untouched(Kit& kit) {
  Desk d(kit);
  d.producer.put(kit.message(d.q));
  const Msg held = kit.take_all(d.consumer, d.q, 1)[0];
  const auto removed = d.remove({held})[0], moved = d.move({held}, GANDER_STATE_READY)[0];
  if (removed != GANDER_UNSUPPORTED)
    expect_status(removed, GANDER_INVALID_STATE, "verdict of removing a leased message");
  if (moved != GANDER_UNSUPPORTED)
    expect_status(moved, GANDER_INVALID_STATE, "verdict of moving a leased message");
  std::uint64_t n = 0;
  expect_status(d.ext->purge(d.admin.get(), nullptr, str(d.q), GANDER_STATE_LEASED, 0, &n, nullptr),
                GANDER_INVALID_STATE, "purge of leased messages");
  kit.expect_empty(d.consumer, d.q, "the message is leased");
  expect_status(d.consumer.settle(held, GANDER_SETTLE_ACK), GANDER_OK,
                "verdict of its owner's ack");
  skip_unsupported(removed);
  skip_unsupported(moved);
}

std::string script_of(const gander_ext_migrate& ext, Conn& admin) {
  std::string script;
  const gander_text_visitor visit = [](void* user, gander_str text) noexcept -> std::int32_t {
    *static_cast<std::string*>(user) += view(text);
    return 0;
  };
  expect_status(ext.script(admin.get(), nullptr, visit, &script, nullptr), GANDER_OK, "script");
  return script;
}

gander_migrate_res migrate(const gander_ext_migrate& ext, Conn& admin) {
  gander_migrate_res res = {sizeof(res), 0, 0, 0};
  expect_status(ext.migrate(admin.get(), nullptr, &res, nullptr), GANDER_OK, "migrate");
  expect(res.struct_size == sizeof(res), "migrate changed struct_size");
  return res;
}

void migrates(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn admin = on.admin();
  const auto& ext = *on.extension<gander_ext_migrate>(GANDER_EXT_MIGRATE);
  const std::string before = script_of(ext, admin);
  expect(script_of(ext, admin) == before, "script changed what it showed");
  const auto first = migrate(ext, admin);
  expect(before.empty() == (first.from_version == first.to_version),
         "script and migrate do not agree on whether there is anything to do");
  expect(first.to_version > 0, "migrate names no version");
  const auto second = migrate(ext, admin);
  expect(second.from_version == first.to_version && second.to_version == first.to_version,
         "the second migrate went from ", second.from_version, " to ", second.to_version);
  expect(script_of(ext, admin).empty(), "script still has something to do after migrate");
  on.producer().put(kit.message(q));
  Conn consumer = on.consumer(kit.incarnation(), {q});
  kit.take_all(consumer, q, 1);
}

constexpr CheckDef kChecks[] = {
    {{151, "pauses", "manage", "GBC-806", "manage", "nothing is taken from a paused queue"},
     pauses},
    {{152, "purges", "manage", "GBC-807", "manage",
      "purge deletes one state by age, and counts it"},
     purges},
    {{153, "moves", "manage", "GBC-811", "manage", "move requeues, kills and changes the queue"},
     moves},
    {{154, "moves-later", "manage", "GBC-811", "manage schedule",
      "move to SCHEDULED waits for its time"},
     moves_later},
    {{155, "removes", "manage", "GBC-811", "manage", "remove deletes by id, with a verdict each"},
     removes},
    {{156, "leased-untouched", "manage", "GBC-805", "manage",
      "what is leased is INVALID_STATE to manage"},
     leased_untouched},
    {{157, "migrates", "manage", "GBC-812 GBC-813", "migrate",
      "script shows what migrate does, and changes nothing; migrate does it once"},
     migrates},
};
}  // namespace

std::span<const CheckDef> manage_checks() { return kChecks; }
}  // namespace gander::conformance
