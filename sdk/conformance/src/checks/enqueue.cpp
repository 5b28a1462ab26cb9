// Group enqueue: what goes in comes out, when and in the order it should.
#include <algorithm>

#include "../harness.h"

namespace gander::conformance {
namespace {

void round_trip(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  for (const std::string& body :
       {std::string(), std::string("x"), every_byte, std::string(70'000, 'y')}) {
    Msg m = kit.message(q, body);
    m.note = "failed: \xC3\xA4\n\ttwice";
    m.m.enqueued_at_us = 1'700'000'000'123'456;
    m.m.run_at_us = 1'700'000'000'654'321;
    m.m.first_failed_at_us = 1'700'000'001'000'001;
    m.m.failed_at_us = 1'700'000'002'000'002;
    m.m.attempts = 3, m.m.crashes = 2, m.m.give_backs = 7;
    if (body.size() > on.info().max_body) continue;
    producer.put(m);
    const Msg got = kit.take_all(consumer, q, 1)[0];
    expect(difference(got, m).empty(), "changed on the way: ", difference(got, m));
    expect(got.m.state == GANDER_STATE_LEASED, "a delivery is of state ", got.m.state,
           ", not LEASED");
    consumer.ack(got);
  }
}

void largest_body(Kit& kit) {
  constexpr std::uint64_t kTried = 64U << 20U;
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  const auto max = on.info().max_body;
  if (max > kTried) throw Skip(say("max_body is ", max, " bytes, more than the kit sends"));
  Msg m = kit.message(q, std::string(max, '\xAB'));
  producer.put(m);
  const Msg got = kit.take_all(consumer, q, 1)[0];
  expect(got.body == m.body, "a body of max_body bytes came back changed");
  consumer.ack(got);
  expect_status(producer.enqueue({kit.message(q, std::string(max + 1, 'x'))}).front(),
                GANDER_TOO_LARGE, "verdict of a body one byte over max_body");
  kit.expect_empty(consumer, q, "a message that is TOO_LARGE is not stored");
}

void duplicate(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  const Msg m = kit.message(q, "first");
  Msg again = m;
  again.body = "second";
  producer.put(m);
  expect_status(producer.enqueue({again}).front(), GANDER_DUPLICATE,
                "verdict of the same id again");
  const Msg got = kit.take_all(consumer, q, 1)[0];
  expect(got.body == "first", "the duplicate changed the message");
  expect_status(producer.enqueue({again}).front(), GANDER_DUPLICATE,
                "verdict of the same id while it is leased");
  kit.expect_empty(consumer, q, "a duplicate is not stored");
  const Msg twin = kit.message(q);
  const auto verdicts = producer.enqueue({twin, twin});
  expect(verdicts[0] == GANDER_OK && verdicts[1] == GANDER_DUPLICATE,
         "twins in one batch: ", status_name(verdicts[0]), " and ", status_name(verdicts[1]));
}

void mixed_batch(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  auto list = kit.messages(q, 4);
  list[1].queue.clear();
  list[2].m.priority = 9;
  const auto verdicts = producer.enqueue(list);
  const gander_status want[] = {GANDER_OK, GANDER_INVALID_ARGUMENT, GANDER_INVALID_ARGUMENT,
                                GANDER_OK};
  for (std::size_t i = 0; i < 4; ++i)
    expect_status(verdicts[i], want[i], say("verdict of item ", i));
  for (const Msg& m : kit.take_all(consumer, q, 2))
    expect(same_id(m.m.id, list[0].m.id) || same_id(m.m.id, list[3].m.id), "a refused one came");
  kit.expect_empty(consumer, q, "only the good ones are stored");
}

void full_batch(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  const std::size_t n = std::min<std::size_t>(on.info().max_batch, 20'000);
  for (const auto v : producer.enqueue(kit.messages(q, n)))
    expect_status(v, GANDER_OK, say("verdict in a batch of ", n));
  auto got = kit.take_all(consumer, q, n);
  std::ranges::sort(got, {}, [](const Msg& m) { return id_text(m.m.id); });
  const auto twice =
      std::ranges::adjacent_find(got, {}, [](const Msg& m) { return id_text(m.m.id); });
  expect(twice == got.end(), "a message of the batch came twice");
  kit.expect_empty(consumer, q, "the batch came whole");
  std::vector<Settle> acks;
  for (const Msg& m : got) acks.push_back({m, q, GANDER_SETTLE_ACK});
  for (const auto v : consumer.exchange(acks, {}).verdicts)
    expect_status(v, GANDER_OK, "verdict of an ack");
}

// A server that makes what is due ready by itself may not know when that will be. Then it has to
// ring, or a worker would find out by chance.
void rings_when_due(Kit& kit, Instance& on, Conn& producer) {
  const std::string q = kit.queue();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  Conn waiter = on.waiter({q});
  kit.expect_empty(consumer, q, "nothing was enqueued");
  Msg soon = kit.message(q);
  soon.m.run_at_us = on.host().now_us() + 300 * kMillisecond;
  producer.put(soon);
  for (const Patience patience; patience.more();) {
    if (waiter.wait({q}, kit.patience_us()) != GANDER_OK) continue;
    if (!consumer.take(q, 1).empty()) return;
  }
  throw Failure("next_due_us is 0, and wait() does not return when a message has fallen due");
}

void not_before(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  const auto incarnation = kit.incarnation();
  Conn consumer = on.consumer(incarnation, {q});
  Conn tender = on.tender(incarnation);
  Msg m = kit.message(q);
  m.m.run_at_us = on.host().now_us() + 600 * kSecond;
  producer.put(m);
  tender.tend();
  kit.expect_empty(consumer, q, "its run_at is ten minutes away");
  on.host().now_us();
  const auto next = consumer.exchange({}, {{q, 1}}).next_due_us;
  if (next == 0 && kit.has_cap(GANDER_CAP_SERVER_CLOCK) && kit.has_cap(GANDER_CAP_WAIT))
    return rings_when_due(kit, on, producer);
  expect(next == m.m.run_at_us, "next_due_us is ", next, ", the message is due at ", m.m.run_at_us);
}

void comes_when_due(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  const auto incarnation = kit.incarnation();
  Conn consumer = on.consumer(incarnation, {q});
  Conn tender = on.tender(incarnation);
  // What a broker makes on its server for the first of a kind may take longer than these wait.
  Msg first_of_kind = kit.message(q, "much later");
  first_of_kind.m.run_at_us = on.host().now_us() + 600 * kSecond;
  producer.put(first_of_kind);
  kit.expect_empty(consumer, q, "it is not due yet");
  Msg late = kit.message(q, "late"), early = kit.message(q, "early");
  late.m.run_at_us = on.host().now_us() + 900 * kMillisecond;
  early.m.run_at_us = on.host().now_us() + 500 * kMillisecond;
  producer.put(late);
  producer.put(early);
  kit.expect_empty(consumer, q, "neither is due yet");
  on.pass(600 * kMillisecond);
  const Msg first = kit.take_all(consumer, q, 1)[0];
  // One that declares no order may keep the time in grains, and both fall into the same.
  expect(first.body == "early" || !kit.has_cap(GANDER_CAP_ORDERED), "the later message came first");
  const Msg &one = first.body == "early" ? early : late, &other = &one == &early ? late : early;
  expect(difference(first, one).empty(), "changed by waiting: ", difference(first, one));
  on.pass(400 * kMillisecond);
  tender.tend();
  expect(kit.take_all(consumer, q, 1)[0].body == other.body, "the first one came again");
}

void undeclared_schedule(Kit& kit) {
  Instance on(kit);
  Conn producer = on.producer();
  Msg m = kit.message(kit.queue());
  m.m.run_at_us = on.host().now_us() + 600 * kSecond;
  expect_status(producer.enqueue({m}).front(), GANDER_UNSUPPORTED,
                "verdict of a run_at in the future where SCHEDULE is not declared");
}

void priority_order(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  auto list = kit.messages(q, 9);
  for (std::size_t i = 0; i < list.size(); ++i)
    list[i].m.priority = static_cast<std::uint32_t>(2 - i % 3);
  for (const auto v : producer.enqueue(list)) expect_status(v, GANDER_OK, "verdict of the enqueue");
  const auto got = kit.take_all(consumer, q, 9);
  for (std::size_t i = 0; i < got.size(); ++i)
    expect(got[i].m.priority == i / 3, "priority ", got[i].m.priority, " came in place ", i);
}

void to_the_front(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  producer.enqueue(kit.messages(q, 3));
  Msg urgent = kit.message(q, "urgent");
  urgent.m.flags = GANDER_MESSAGE_FRONT;
  producer.put(urgent);
  expect(kit.take_all(consumer, q, 1)[0].body == "urgent", "FRONT was not taken first");
}

void in_order(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  const auto list = kit.messages(q, 30);
  for (std::size_t i = 0; i < 30; i += 10) {
    const auto from = list.begin() + static_cast<std::ptrdiff_t>(i);
    producer.enqueue({from, from + 10});
  }
  std::vector<Msg> got;
  while (got.size() < 30)
    for (const Msg& m : kit.take_all(consumer, q, 5)) got.push_back(m);
  for (std::size_t i = 0; i < 30; ++i)
    expect(same_id(got[i].m.id, list[i].m.id), "in place ", i, " came ", got[i].body);
}

void other_instance(Kit& kit) {
  const std::string q = kit.queue();
  Instance here(kit), there(kit);
  Conn producer = here.producer();
  Conn consumer = there.consumer(kit.incarnation(), {q});
  const Msg m = kit.message(q);
  producer.put(m);
  expect(same_id(kit.take_all(consumer, q, 1)[0].m.id, m.m.id), "another message came");
}

void outlives_instance(Kit& kit) {
  const std::string q = kit.queue();
  const auto list = kit.messages(q, 10);
  {
    Instance on(kit);
    on.producer().enqueue(list);
  }
  Instance again(kit);
  Conn consumer = again.consumer(kit.incarnation(), {q});
  kit.take_all(consumer, q, 10);
}

constexpr CheckDef kChecks[] = {
    {{51, "round-trip", "enqueue", "GBC-201", "",
      "every field of a message comes back as it was, byte for byte"},
     round_trip},
    {{52, "largest-body", "enqueue", "GBC-209", "",
      "a body of max_body bytes works, one byte more is TOO_LARGE"},
     largest_body},
    {{53, "duplicate", "enqueue", "GBC-208 GBC-204", "idempotent",
      "the same id again is DUPLICATE and changes nothing"},
     duplicate},
    {{54, "mixed-batch", "enqueue", "GBC-202", "",
      "in one batch the good are stored and the bad refused, each with its verdict"},
     mixed_batch},
    {{55, "full-batch", "enqueue", "GBC-012 GBC-401", "",
      "a batch of max_batch is stored, taken once each, and settled"},
     full_batch},
    {{56, "not-before", "enqueue", "GBC-205 GBC-404", "schedule",
      "a message is not taken before its run_at; next_due_us tells it, or wait() rings"},
     not_before},
    {{57, "comes-when-due", "enqueue", "GBC-213", "schedule", "a message comes when it falls due"},
     comes_when_due},
    {{58, "undeclared-schedule", "enqueue", "GBC-012", "!schedule",
      "without SCHEDULE a run_at in the future is UNSUPPORTED"},
     undeclared_schedule},
    {{59, "priority-order", "enqueue", "GBC-206", "priority", "a higher priority is taken first"},
     priority_order},
    {{60, "to-the-front", "enqueue", "GBC-207", "front", "FRONT goes before what waits"},
     to_the_front},
    {{61, "in-order", "enqueue", "GBC-210", "ordered",
      "first in is first out within a queue and priority"},
     in_order},
    {{62, "other-instance", "enqueue", "GBC-211", "multi_process",
      "what one instance stores another can take"},
     other_instance},
    {{63, "outlives-instance", "enqueue", "GBC-203", "durable",
      "what was enqueued is there after every instance has gone"},
     outlives_instance},
};
}  // namespace

std::span<const CheckDef> enqueue_checks() { return kChecks; }
}  // namespace gander::conformance
