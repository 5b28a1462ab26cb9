// Group settle: the five ways a delivery ends, and the fence around them.
#include <algorithm>

#include "../harness.h"

namespace gander::conformance {
namespace {

// One queue, one message of it in the hands of one consumer.
struct Held {
  explicit Held(Kit& kit)
      : q(kit.queue()),
        on(kit),
        producer(on.producer()),
        consumer(on.consumer(kit.incarnation(), {q})) {
    sent = kit.message(q);
    producer.put(sent);
    got = kit.take_all(consumer, q, 1)[0];
  }
  std::string q;
  Instance on;
  Conn producer;
  Conn consumer;
  Msg sent, got;
};

Msg failed(Msg m, std::int64_t run_at_us) {
  m.m.run_at_us = run_at_us;
  m.m.attempts += 1;
  m.m.first_failed_at_us = m.m.failed_at_us = m.m.enqueued_at_us + 5;
  m.note = "std::runtime_error: no route";
  return m;
}

void settle_ok(Held& h, const Msg& successor, std::uint32_t op, const char* what) {
  const auto result = h.consumer.exchange({{successor, h.q, op}}, {});
  expect_status(result.verdicts.front(), GANDER_OK, say("verdict of the ", what));
}

void ack(Kit& kit) {
  Held h(kit);
  settle_ok(h, h.got, GANDER_SETTLE_ACK, "ack");
  kit.expect_empty(h.consumer, h.q, "the message was acked");
  h.consumer.close();
  Conn next = h.on.consumer(kit.incarnation(), {h.q});
  kit.expect_empty(next, h.q, "the message was acked before its session was closed");
}

void retry_later(Kit& kit) {
  Held h(kit);
  const Msg m = failed(h.got, h.on.host().now_us() + 500 * kMillisecond);
  settle_ok(h, m, GANDER_SETTLE_RETRY, "retry");
  kit.expect_empty(h.consumer, h.q, "the retry is not due yet");
  h.on.pass(600 * kMillisecond);
  const Msg again = kit.take_all(h.consumer, h.q, 1)[0];
  expect(difference(again, m).empty(), "the retry came back changed: ", difference(again, m));
}

void retry_now(Kit& kit) {
  Held h(kit);
  const Msg m = failed(h.got, 0);
  settle_ok(h, m, GANDER_SETTLE_RETRY, "retry");
  const Msg again = kit.take_all(h.consumer, h.q, 1)[0];
  expect(difference(again, m).empty(), "the retry came back changed: ", difference(again, m));
}

void dead(Kit& kit) {
  Held h(kit);
  settle_ok(h, failed(h.got, 0), GANDER_SETTLE_DEAD, "dead");
  h.on.pass(kSecond);
  kit.expect_empty(h.consumer, h.q, "a dead letter is not taken");
}

void give_back(Kit& kit) {
  Held h(kit);
  h.producer.enqueue(kit.messages(h.q, 3));
  Msg m = h.got;
  m.m.give_backs += 1;
  settle_ok(h, m, GANDER_SETTLE_GIVE_BACK, "give back");
  const auto all = kit.take_all(h.consumer, h.q, 4);
  const auto again =
      std::ranges::find_if(all, [&](const Msg& x) { return same_id(x.m.id, m.m.id); });
  expect(again != all.end(), "it never came back");
  expect(difference(*again, m).empty(), "given back and changed: ", difference(*again, m));
  if (kit.has_cap(GANDER_CAP_FRONT))
    expect(again == all.begin(), "it came back in place ", again - all.begin(), ", not first");
}

void give_back_order(Kit& kit) {
  Held h(kit);
  h.producer.enqueue(kit.messages(h.q, 3));
  auto all = kit.take_all(h.consumer, h.q, 3);
  all.insert(all.begin(), h.got);
  std::vector<Settle> settles;
  for (auto m = all.rbegin(); m != all.rend(); ++m)
    settles.push_back({*m, h.q, GANDER_SETTLE_GIVE_BACK});
  for (const auto v : h.consumer.exchange(settles, {}).verdicts)
    expect_status(v, GANDER_OK, "verdict of a give back");
  const auto again = kit.take_all(h.consumer, h.q, 4);
  for (std::size_t i = 0; i < 4; ++i)
    expect(same_id(again[i].m.id, all[i].m.id), "given back in reverse, in place ", i, " came ",
           again[i].body, " where ", all[i].body, " is due");
}

void snooze(Kit& kit) {
  Held h(kit);
  Msg m = h.got;
  m.m.run_at_us = h.on.host().now_us() + 500 * kMillisecond;
  settle_ok(h, m, GANDER_SETTLE_SNOOZE, "snooze");
  kit.expect_empty(h.consumer, h.q, "it is snoozed");
  h.on.pass(600 * kMillisecond);
  const Msg again = kit.take_all(h.consumer, h.q, 1)[0];
  expect(again.m.attempts == h.sent.m.attempts, "a snooze spent an attempt");
  expect(difference(again, m).empty(), "it came back changed: ", difference(again, m));
}

void settle_once(Kit& kit) {
  for (const std::uint32_t op : {GANDER_SETTLE_ACK, GANDER_SETTLE_RETRY, GANDER_SETTLE_DEAD}) {
    Held h(kit);
    settle_ok(h, h.got, GANDER_SETTLE_ACK, "ack");
    expect_status(h.consumer.settle(h.got, op), GANDER_LEASE_LOST, "verdict of a second settle");
    kit.expect_empty(h.consumer, h.q, "a second settle has no effect");
  }
}

void foreign_settle(Kit& kit) {
  Held h(kit);
  Conn stranger = h.on.consumer(kit.incarnation(), {h.q});
  for (const std::uint32_t op : {GANDER_SETTLE_ACK, GANDER_SETTLE_RETRY, GANDER_SETTLE_DEAD,
                                 GANDER_SETTLE_GIVE_BACK, GANDER_SETTLE_SNOOZE})
    expect_status(stranger.settle(h.got, op), GANDER_LEASE_LOST,
                  say("verdict of a settle (op ", op, ") by another incarnation"));
  kit.expect_empty(stranger, h.q, "a settle of a stranger has no effect");
  expect_status(h.consumer.settle(h.got, GANDER_SETTLE_ACK), GANDER_OK,
                "verdict of the owner's ack");
}

void late_settle(Kit& kit) {
  Held h(kit);
  settle_ok(h, h.got, GANDER_SETTLE_GIVE_BACK, "give back");
  Conn next = h.on.consumer(kit.incarnation(), {h.q});
  const Msg taken = kit.take_all(next, h.q, 1)[0];
  expect_status(h.consumer.settle(h.got, GANDER_SETTLE_ACK), GANDER_LEASE_LOST,
                "verdict of an ack after the message went to another incarnation");
  expect_status(next.settle(taken, GANDER_SETTLE_ACK), GANDER_OK, "verdict of the new owner's ack");
}

void old_receipt(Kit& kit) {
  Held h(kit);
  settle_ok(h, h.got, GANDER_SETTLE_GIVE_BACK, "give back");
  const Msg again = kit.take_all(h.consumer, h.q, 1)[0];
  expect_status(h.consumer.settle(h.got, GANDER_SETTLE_ACK), GANDER_LEASE_LOST,
                "verdict of an ack with the receipt of an earlier delivery");
  expect_status(h.consumer.settle(again, GANDER_SETTLE_ACK), GANDER_OK,
                "verdict of an ack with the receipt of this delivery");
}

void other_queue(Kit& kit) {
  Held h(kit);
  Msg m = failed(h.got, 0);
  m.queue = kit.queue("retry");
  settle_ok(h, m, GANDER_SETTLE_RETRY, "retry to another queue");
  kit.expect_empty(h.consumer, h.q, "it went to another queue");
  const Msg moved = kit.take_all(h.consumer, m.queue, 1)[0];
  expect(difference(moved, m).empty(), "moved and changed: ", difference(moved, m));
  h.consumer.ack(moved);
}

void mixed_settles(Kit& kit) {
  Held h(kit);
  h.producer.enqueue(kit.messages(h.q, 3));
  const auto more = kit.take_all(h.consumer, h.q, 3);
  const Msg unknown = kit.message(h.q);
  const auto verdicts = h.consumer
                            .exchange({{h.got, h.q, GANDER_SETTLE_ACK},
                                       {unknown, h.q, GANDER_SETTLE_ACK},
                                       {failed(more[0], 0), h.q, GANDER_SETTLE_RETRY},
                                       {h.got, h.q, GANDER_SETTLE_ACK},
                                       {more[1], h.q, GANDER_SETTLE_DEAD},
                                       {more[2], h.q, GANDER_SETTLE_GIVE_BACK}},
                                      {})
                            .verdicts;
  const gander_status want[] = {GANDER_OK,         GANDER_LEASE_LOST, GANDER_OK,
                                GANDER_LEASE_LOST, GANDER_OK,         GANDER_OK};
  for (std::size_t i = 0; i < 6; ++i)
    expect_status(verdicts[i], want[i], say("verdict of settle ", i));
  for (const Msg& m : kit.take_all(h.consumer, h.q, 2))
    expect(same_id(m.m.id, more[0].m.id) || same_id(m.m.id, more[2].m.id), "another one came");
  kit.expect_empty(h.consumer, h.q, "of six settles two put a message back");
}

void settles_first(Kit& kit) {
  Held h(kit);
  Msg m = h.got;
  m.m.give_backs += 1;
  const auto both = h.consumer.exchange({{m, h.q, GANDER_SETTLE_GIVE_BACK}}, {{h.q, 1}});
  expect_status(both.verdicts.front(), GANDER_OK, "verdict of the give back");
  auto taken = both.taken;
  if (taken.empty() && !kit.has_cap(GANDER_CAP_FRONT)) taken = kit.take_all(h.consumer, h.q, 1);
  expect(taken.size() == 1, "what one exchange gave back it did not take again");
  expect(taken[0].m.give_backs == 1, "the delivery is not the successor");
}

void whole_successor(Kit& kit) {
  Held h(kit);
  Msg m = failed(h.got, 0);
  m.body = "another body, longer than the first one was";
  m.m.attempts = 26, m.m.crashes = 1, m.m.give_backs = 4;
  m.m.first_failed_at_us = 11, m.m.failed_at_us = 22;
  m.note = std::string(4096, 'n');
  settle_ok(h, m, GANDER_SETTLE_RETRY, "retry");
  const Msg again = kit.take_all(h.consumer, h.q, 1)[0];
  expect(difference(again, m).empty(), "of the successor these were lost: ", difference(again, m));
}

constexpr CheckDef kChecks[] = {
    {{91, "ack", "settle", "GBC-304", "", "an acked message is gone"}, ack},
    {{92, "retry-later", "settle", "GBC-305 GBC-205", "schedule",
      "a retry comes at its time, with note and counters as settled"},
     retry_later},
    {{93, "retry-now", "settle", "GBC-305", "", "a retry that is due comes at once"}, retry_now},
    {{94, "dead", "settle", "GBC-306", "", "a dead letter is not taken any more"}, dead},
    {{95, "give-back", "settle", "GBC-307", "",
      "what is given back comes next, with no attempt spent"},
     give_back},
    {{96, "snooze", "settle", "GBC-308", "schedule", "a snoozed message comes at its time"},
     snooze},
    {{97, "settle-once", "settle", "GBC-302", "",
      "a second settle is LEASE_LOST and has no effect"},
     settle_once},
    {{98, "foreign-settle", "settle", "GBC-302", "",
      "a settle by another incarnation is LEASE_LOST and has no effect"},
     foreign_settle},
    {{99, "late-settle", "settle", "GBC-302", "",
      "a settle of what went to another incarnation is LEASE_LOST and has no effect"},
     late_settle},
    {{100, "old-receipt", "settle", "GBC-302", "", "a receipt is good for one delivery"},
     old_receipt},
    {{101, "other-queue", "settle", "GBC-309", "", "a successor may go to another queue"},
     other_queue},
    {{102, "mixed-settles", "settle", "GBC-301", "", "each settle of a batch has its own verdict"},
     mixed_settles},
    {{103, "settles-first", "settle", "GBC-310", "", "an exchange settles before it takes"},
     settles_first},
    {{104, "whole-successor", "settle", "GBC-309", "", "the successor is stored whole"},
     whole_successor},
    {{105, "give-back-order", "settle", "GBC-307", "front ordered",
      "of several given back the last comes first"},
     give_back_order},
};
}  // namespace

std::span<const CheckDef> settle_checks() { return kChecks; }
}  // namespace gander::conformance
