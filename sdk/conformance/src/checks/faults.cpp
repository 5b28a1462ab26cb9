// Group faults: incarnations that end, by closing, by silence and by SIGKILL.
//
// A server that is away, restarts or loses its connections is the business of the tests of each
// server's broker: the kit has no server to stop.
#include <algorithm>
#include <set>
#include <thread>

#include "../harness.h"
#include "../process.h"

namespace gander::conformance {
namespace {

void incarnation_twice(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  const auto name = kit.incarnation();
  Conn first = on.consumer(name, {q});
  const gander_str queue = str(q);
  const gander_session_opts opts = {sizeof(opts), GANDER_ROLE_CONSUME, str(name), &queue, 1};
  gander_session* second = nullptr;
  const auto status = on.table().open_session(on.get(), nullptr, &opts, &second, nullptr);
  if (status == GANDER_OK) on.table().close_session(second);
  expect_status(status, GANDER_INVALID_STATE, "a second CONSUME session of one incarnation");
  on.producer().put(kit.message(q));
  first.ack(kit.take_all(first, q, 1)[0]);
}

void close_gives_back(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  const auto sent = kit.messages(q, 5);
  producer.enqueue(sent);
  std::optional<Conn> consumer = on.consumer(kit.incarnation(), {q});
  auto held = kit.take_all(*consumer, q, 3);
  consumer->ack(held.back());
  held.pop_back();
  consumer.reset();
  Conn next = on.consumer(kit.incarnation(), {q});
  const auto all = kit.take_all(next, q, 4);
  for (const Msg& m : held) {
    const auto at =
        std::ranges::find_if(all, [&](const Msg& x) { return same_id(x.m.id, m.m.id); });
    expect(at != all.end(), "what was leased did not come back");
    expect(at->m.give_backs == m.m.give_backs + 1, "give_backs is ", at->m.give_backs, ", not 1");
    expect(at->m.crashes == 0 && at->m.attempts == 0, "closing counted a crash or an attempt");
    if (kit.has_cap(GANDER_CAP_FRONT))
      expect(at - all.begin() < 2, "it came back in place ", at - all.begin(),
             ", not to the front");
  }
  kit.expect_empty(next, q, "the acked one is gone");
}

void expect_crashed(const std::vector<Msg>& got, const std::vector<Msg>& held) {
  for (const Msg& m : held) {
    const auto at =
        std::ranges::find_if(got, [&](const Msg& x) { return same_id(x.m.id, m.m.id); });
    expect(at != got.end(), "a message that a dead incarnation held did not come again");
    Msg want = m;
    want.m.crashes += 1;
    expect(difference(*at, want).empty(), "reclaimed with another ", difference(*at, want),
           ": crashes is ", at->m.crashes, ", due is ", want.m.crashes);
  }
}

// With a server's clock it is waited for, which a test can only do when it is short.
std::int64_t lease_to_outlast(Kit& kit, Instance& on) {
  constexpr std::int64_t kLongest = 3 * kSecond;
  const std::int64_t lease = on.info().lease_us;
  if (lease == 0) throw Skip("an incarnation lives as long as its process");
  if (kit.has_cap(GANDER_CAP_SERVER_CLOCK) && lease > kLongest)
    throw Skip(say("by the server's clock a lease of ", lease / kMillisecond,
                   " ms is too long to wait for; give the option that makes it 1000"));
  return lease;
}

void lease_runs_out(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  const std::int64_t lease = lease_to_outlast(kit, on);
  Conn producer = on.producer();
  producer.enqueue(kit.messages(q, 4));
  const auto silent_name = kit.incarnation(), name = kit.incarnation();
  Conn silent = on.consumer(silent_name, {q});
  Conn silent_tender = on.tender(silent_name);
  const auto held = kit.take_all(silent, q, 2);
  Conn consumer = on.consumer(name, {q});
  Conn tender = on.tender(name);
  on.pass(lease / 2);
  expect(tender.tend().reclaimed == 0, "a lease was taken at half its time");
  on.pass(lease / 2 + kSecond);
  expect(tender.tend().reclaimed == held.size(), "tend did not report the reclaimed deliveries");
  expect_status(silent.try_exchange({{held[0], q, GANDER_SETTLE_ACK}}, {{q, 1}}).status,
                GANDER_LEASE_LOST, "exchange of an incarnation that has ended");
  expect_status(silent_tender.try_tend(), GANDER_LEASE_LOST,
                "tend of an incarnation that has ended");
  const auto got = kit.take_all(consumer, q, 4);
  expect_crashed(got, held);
  if (kit.has_cap(GANDER_CAP_FRONT)) expect_crashed({got.begin(), got.begin() + 2}, held);
}

void tend_renews(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  const std::int64_t lease = lease_to_outlast(kit, on);
  const auto name = kit.incarnation(), other = kit.incarnation();
  Conn consumer = on.consumer(name, {q}), stranger = on.consumer(other, {q});
  Conn tender = on.tender(name), stranger_tender = on.tender(other);
  on.producer().put(kit.message(q));
  const Msg held = kit.take_all(consumer, q, 1)[0];
  for (int i = 0; i < 8; ++i) {
    on.pass(lease * 3 / 8);
    tender.tend();
    stranger_tender.tend();
    kit.expect_empty(stranger, q, "its owner tends in time");
  }
  consumer.ack(held);
}

void reclaimed_once(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  const std::int64_t lease = lease_to_outlast(kit, on);
  constexpr std::size_t kHeld = 50;
  on.producer().enqueue(kit.messages(q, kHeld));
  Conn silent = on.consumer(kit.incarnation(), {q});
  kit.take_all(silent, q, kHeld);
  on.pass(lease + kSecond);
  std::vector<Conn> consumers, tenders;
  for (int i = 0; i < 4; ++i) {
    const auto name = kit.incarnation();
    consumers.push_back(on.consumer(name, {q}));
    tenders.push_back(on.tender(name));
  }
  std::atomic<std::uint64_t> reclaimed = 0;
  {
    std::vector<std::jthread> threads;
    for (Conn& t : tenders)
      threads.emplace_back([&] {
        gander_tend_res res{};
        if (t.try_tend(&res) == GANDER_OK) reclaimed += res.reclaimed;
      });
  }
  expect(reclaimed == kHeld, "four tends reclaimed ", reclaimed.load(), " of ", kHeld);
  const auto got = kit.take_all(consumers[0], q, kHeld);
  for (const Msg& m : got) expect(m.m.crashes == 1, "crashes is ", m.m.crashes);
  kit.expect_empty(consumers[1], q, "each was reclaimed once");
}

void worker_killed(Kit& kit) {
  constexpr std::size_t kMessages = 40, kHeld = 15;
  const std::string q = kit.queue();
  const auto dead_name = kit.incarnation(), name = kit.incarnation();
  kit.table();
  Victim victim([&](const auto& there) {
    Instance on(kit);
    Conn consumer = on.consumer(dead_name, {q});
    Conn tender = on.tender(dead_name);
    tender.tend();
    std::string ids;
    for (const Msg& m : kit.take_all(consumer, q, kHeld)) ids += id_text(m.m.id) + " ";
    there(ids);
  });
  Instance on(kit);
  on.producer().enqueue(kit.messages(q, kMessages));
  Conn consumer = on.consumer(name, {q});
  Conn tender = on.tender(name);
  victim.begin();
  const std::string ids = victim.arrived();
  tender.tend();
  const auto others = kit.take_all(consumer, q, kMessages - kHeld);
  kit.expect_empty(consumer, q, "the worker that holds the rest is alive");
  victim.kill();
  std::vector<Msg> got;
  const std::int64_t lease = on.info().lease_us;
  const auto limit = std::chrono::microseconds(lease) + std::chrono::seconds(10);
  for (const Patience patience(std::chrono::duration_cast<std::chrono::milliseconds>(limit));
       got.size() < kHeld && patience.more();) {
    if (lease > 0 && !kit.has_cap(GANDER_CAP_SERVER_CLOCK)) on.host().advance(lease / 10);
    tender.tend();
    for (const Msg& m : consumer.take(q, 100)) got.push_back(m);
  }
  expect(got.size() == kHeld, "of ", kHeld, " messages that a killed worker held, ", got.size(),
         " came again");
  for (const Msg& m : got) {
    expect(ids.find(id_text(m.m.id)) != std::string::npos, "one came that it did not hold");
    expect(m.m.crashes == 1, "crashes is ", m.m.crashes, ", not 1");
    consumer.ack(m);
  }
  for (const Msg& m : others) {
    expect(m.m.crashes == 0, "a message that nobody held counted a crash");
    consumer.ack(m);
  }
}

std::uint64_t reclaim(const gander_ext_reclaim& ext, Conn& admin, const std::string& incarnation) {
  std::uint64_t n = 0;
  expect_status(ext.reclaim(admin.get(), nullptr, str(incarnation), &n, nullptr), GANDER_OK,
                "reclaim");
  return n;
}

void reclaimed_at_once(Kit& kit) {
  constexpr std::size_t kMessages = 30, kHeld = 10;
  const std::string q = kit.queue();
  const auto dead_name = kit.incarnation(), name = kit.incarnation();
  kit.table();
  Victim victim([&](const auto& there) {
    Instance on(kit);
    Conn consumer = on.consumer(dead_name, {q});
    kit.take_all(consumer, q, kHeld);
    there("taken");
  });
  Instance on(kit);
  on.producer().enqueue(kit.messages(q, kMessages));
  Conn consumer = on.consumer(name, {q});
  Conn admin = on.admin();
  const auto& ext = *on.extension<gander_ext_reclaim>(GANDER_EXT_RECLAIM);
  expect(reclaim(ext, admin, kit.incarnation()) == 0, "an unknown incarnation had deliveries");
  victim.begin();
  victim.arrived();
  victim.kill();
  const auto n = reclaim(ext, admin, dead_name);
  expect(n == kHeld, "reclaimed ", n, " of ", kHeld);
  expect(reclaim(ext, admin, dead_name) == 0, "reclaimed the same a second time");
  std::size_t crashed = 0;
  for (const Msg& m : kit.take_all(consumer, q, kMessages)) {
    crashed += m.m.crashes;
    consumer.ack(m);
  }
  expect(crashed == kHeld, "crashes were counted ", crashed, " times for ", kHeld, " deliveries");
}

void producer_killed(Kit& kit) {
  const std::string q = kit.queue();
  kit.table();
  Victim victim([&](const auto& there) {
    Instance on(kit);
    Conn producer = on.producer();
    std::size_t stored = 0;
    for (const Msg& m : kit.messages(q, 50)) producer.put(m), ++stored;
    there(std::to_string(stored));
  });
  victim.begin();
  const auto stored = std::stoul(victim.arrived());
  victim.kill();
  Instance on(kit);
  Conn consumer = on.consumer(kit.incarnation(), {q});
  kit.take_all(consumer, q, stored);
}

constexpr CheckDef kChecks[] = {
    {{131, "incarnation-twice", "faults", "GBC-604", "",
      "a second CONSUME session of one incarnation is INVALID_STATE"},
     incarnation_twice},
    {{132, "close-gives-back", "faults", "GBC-605", "",
      "closing a CONSUME session gives back what it held, to the front, as a give-back"},
     close_gives_back},
    {{133, "lease-runs-out", "faults", "GBC-603", "",
      "an incarnation that is silent for its lease ends, and what it held comes with crashes + 1"},
     lease_runs_out},
    {{134, "tend-renews", "faults", "GBC-601", "", "tend keeps the lease"}, tend_renews},
    {{135, "reclaimed-once", "faults", "GBC-602", "",
      "however many tend at once, each delivery is reclaimed once"},
     reclaimed_once},
    {{136, "worker-killed", "faults", "GBC-603 GBC-303", "multi_process",
      "what a worker killed by SIGKILL held comes again, all of it, with crashes + 1"},
     worker_killed},
    {{137, "producer-killed", "faults", "GBC-203", "multi_process durable",
      "what was confirmed to a producer killed by SIGKILL is there"},
     producer_killed},
    {{138, "reclaimed-at-once", "faults", "GBC-814", "multi_process reclaim",
      "what a killed worker held is handed on as soon as a supervisor says so"},
     reclaimed_at_once},
};
}  // namespace

std::span<const CheckDef> fault_checks() { return kChecks; }
}  // namespace gander::conformance
