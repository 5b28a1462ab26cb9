// Group time: deadlines, and whose clock it is.
#include "../harness.h"

namespace gander::conformance {
namespace {

void deadline_kept(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  const auto incarnation = kit.incarnation();
  Conn producer = on.producer();
  Conn consumer = on.consumer(incarnation, {q});
  Conn tender = on.tender(incarnation);
  const gander_broker_table& t = on.table();
  const gander_call call = {sizeof(call), 0, 50 * kMillisecond, {nullptr, 0}};
  const auto timed = [&](const char* what, auto&& function) {
    const auto start = std::chrono::steady_clock::now();
    function();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - start)
                        .count();
    // 100 ms by the contract; the rest is for a machine that runs several checks at a time.
    expect(ms < 50 + 100 + 500, what, " with a deadline of 50 ms took ", ms, " ms");
  };
  const Msg m = kit.message(q);
  const gander_message item = m.abi();
  const gander_enqueue_req req = {sizeof(req), sizeof(item), 1, 0, &item};
  gander_status verdict = kUnwritten;
  timed("enqueue", [&] { t.enqueue(producer.get(), &call, &req, &verdict, nullptr); });
  const gander_take take = {str(q), 1, 0};
  const gander_exchange_req exchange = {
      sizeof(exchange), sizeof(gander_settle), 0, sizeof(take), 1, 0, nullptr, &take, 0};
  gander_exchange_res res = {sizeof(res), 0, nullptr, 0};
  timed("exchange", [&] { t.exchange(consumer.get(), &call, &exchange, nullptr, &res, nullptr); });
  if (res.taken != nullptr) res.taken->release(res.taken);
  gander_tend_res tended{};
  tended.struct_size = sizeof(tended);
  timed("tend", [&] { t.tend(tender.get(), &call, &tended, nullptr); });
  gander_broker_info info{};
  info.struct_size = sizeof(info);
  timed("info", [&] { t.info(on.get(), &call, &info, nullptr); });
}

void host_clock(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  const auto incarnation = kit.incarnation();
  Conn consumer = on.consumer(incarnation, {q});
  Conn tender = on.tender(incarnation);
  // Within the lease, so that the incarnation lives.
  const std::int64_t lease = on.info().lease_us;
  const std::int64_t later = lease > 0 ? lease / 2 : 3600 * kSecond;
  Msg m = kit.message(q);
  m.m.run_at_us = on.host().now_us() + later;
  producer.put(m);
  tender.tend();
  kit.expect_empty(consumer, q, "it is not due by the host's clock");
  on.host().advance(later - 1);
  tender.tend();
  kit.expect_empty(consumer, q, "it is due in a microsecond");
  on.host().advance(1);
  expect(consumer.take(q, 1).size() == 1, "it is due by the host's clock and did not come");
}

void clock_set_back(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  const auto incarnation = kit.incarnation();
  Conn consumer = on.consumer(incarnation, {q});
  Conn tender = on.tender(incarnation);
  auto list = kit.messages(q, 3);
  list[2].m.run_at_us = on.host().now_us() + kSecond;
  for (const Msg& m : list) producer.put(m);
  const Msg held = kit.take_all(consumer, q, 1)[0];
  on.host().advance(-3600 * kSecond);
  tender.tend();
  consumer.ack(held);
  const Msg next = kit.take_all(consumer, q, 1)[0];
  producer.put(kit.message(q));
  kit.take_all(consumer, q, 1);
  consumer.ack(next);
  // The way back is an hour in which nobody tended, so the lease may be over.
  on.host().advance(3602 * kSecond);
  tender.try_tend();
  Conn after = on.consumer(kit.incarnation(), {q});
  for (const Msg& m : kit.take_all(after, q, 1)) after.ack(m);
}

constexpr CheckDef kChecks[] = {
    {{111, "deadline-kept", "time", "GBC-010", "", "a call is back at its deadline"},
     deadline_kept},
    {{112, "host-clock", "time", "GBC-011 GBC-205", "schedule !server_clock",
      "due times go by the host's clock, to the microsecond"},
     host_clock},
    {{113, "clock-set-back", "time", "GBC-011", "schedule !server_clock",
      "a clock set back an hour loses nothing"},
     clock_set_back},
};
}  // namespace

std::span<const CheckDef> time_checks() { return kChecks; }
}  // namespace gander::conformance
