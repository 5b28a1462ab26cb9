// Group wait: the doorbell.
#include <algorithm>
#include <thread>

#include "../harness.h"

namespace gander::conformance {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t ms_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

// Swallows what may be spurious after opening, so that the next OK means something.
void settle_down(Conn& waiter, const std::string& q) {
  for (const Patience patience; patience.more();)
    if (waiter.wait({q}, 20 * kMillisecond) == GANDER_TIMEOUT) return;
  throw Failure("wait never timed out on an empty queue");
}

// Waits until `there`, however often wait() returns for nothing; the last status.
gander_status wait_until(Conn& waiter, const std::string& q, const std::function<bool()>& there) {
  for (const Patience patience; patience.more();) {
    const auto status = waiter.wait({q}, 10 * kSecond);
    if (status != GANDER_OK || there()) return status;
  }
  return GANDER_TIMEOUT;
}

void arrival_wakes(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  Conn waiter = on.waiter({q});
  // The best of five, because a busy machine may hold up either thread.
  std::int64_t best = INT64_MAX;
  for (int round = 0; round < 5; ++round) {
    settle_down(waiter, q);
    const Msg m = kit.message(q);
    std::atomic<bool> sent = false;
    Clock::time_point at;
    std::jthread sender([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      at = Clock::now();
      sent = true;
      producer.put(m);
    });
    const auto status = wait_until(waiter, q, [&] { return sent.load(); });
    const auto woke = Clock::now();
    sender.join();
    expect_status(status, GANDER_OK, "wait with a message arriving");
    best = std::min<std::int64_t>(
        best, std::chrono::duration_cast<std::chrono::milliseconds>(woke - at).count());
    consumer.ack(kit.take_all(consumer, q, 1)[0]);
  }
  expect(best <= 50, "the quickest of five wake-ups took ", best, " ms, not 50");
}

void edge_latched(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn waiter = on.waiter({q});
  producer.put(kit.message(q));
  expect_status(waiter.wait({q}, kit.patience_us()), GANDER_OK,
                "wait after a message that arrived between opening and waiting");
  settle_down(waiter, q);
  producer.put(kit.message(q));
  expect_status(waiter.wait({q}, kit.patience_us()), GANDER_OK,
                "wait after a message that arrived between two waits");
}

void each_waiter_wakes(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn one = on.waiter({q}), two = on.waiter({q});
  settle_down(one, q);
  settle_down(two, q);
  producer.put(kit.message(q));
  expect_status(one.wait({q}, kit.patience_us()), GANDER_OK, "the first of two waits");
  expect_status(two.wait({q}, kit.patience_us()), GANDER_OK, "the second of two waits");
}

void give_back_wakes(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  Conn waiter = on.waiter({q});
  producer.put(kit.message(q));
  const Msg m = kit.take_all(consumer, q, 1)[0];
  settle_down(waiter, q);
  expect_status(consumer.settle(m, GANDER_SETTLE_GIVE_BACK), GANDER_OK, "verdict of the give back");
  expect_status(waiter.wait({q}, kit.patience_us()), GANDER_OK,
                "wait after a message was given back");
}

void times_out(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn waiter = on.waiter({q});
  settle_down(waiter, q);
  for (const std::int64_t ms : {0, 50, 200}) {
    const auto start = Clock::now();
    auto status = waiter.wait({q}, ms * kMillisecond);
    // Spurious wake-ups are allowed, an endless row of them is not.
    for (int i = 0; status == GANDER_OK && i < 100; ++i)
      status = waiter.wait({q}, ms * kMillisecond);
    expect_status(status, GANDER_TIMEOUT, say("wait of ", ms, " ms on an empty queue"));
    expect(ms_since(start) >= ms, "wait of ", ms, " ms returned after ", ms_since(start));
    expect(ms_since(start) <= ms + 1000, "wait of ", ms, " ms returned after ", ms_since(start));
  }
}

gander_status wait_for_interrupt(Conn& waiter, const std::string& q) {
  auto status = waiter.wait({q}, 2 * kSecond);
  for (int i = 0; status == GANDER_OK && i < 100; ++i) status = waiter.wait({q}, 2 * kSecond);
  return status;
}

void interrupt_during(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn waiter = on.waiter({q});
  settle_down(waiter, q);
  std::int64_t best = INT64_MAX;
  for (int round = 0; round < 3; ++round) {
    Clock::time_point at;
    std::jthread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      at = Clock::now();
      waiter.interrupt();
    });
    const auto status = wait_for_interrupt(waiter, q);
    other.join();
    expect_status(status, GANDER_CANCELLED, "wait that was interrupted");
    best = std::min(best, ms_since(at));
  }
  expect(best <= 100, "the quickest of three interrupts took ", best, " ms, not 100");
}

void interrupt_before(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn waiter = on.waiter({q});
  settle_down(waiter, q);
  waiter.interrupt();
  const auto start = Clock::now();
  expect_status(wait_for_interrupt(waiter, q), GANDER_CANCELLED,
                "the next wait after an interrupt");
  expect(ms_since(start) < 2000, "it took ", ms_since(start), " ms");
  settle_down(waiter, q);
}

void interrupt_storm(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  Conn waiter = on.waiter({q});
  std::atomic<bool> stop = false;
  auto status = gander_status{GANDER_CANCELLED};
  {
    std::vector<std::jthread> storm;
    for (int i = 0; i < 4; ++i)
      storm.emplace_back([&] {
        while (!stop) {
          waiter.interrupt();
          std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
      });
    const auto storming = [&] { return status == GANDER_CANCELLED || status == GANDER_OK; };
    for (int i = 0; i < 100 && storming(); ++i) status = waiter.wait({q}, kSecond);
    stop = true;
  }
  expect_status(status, GANDER_CANCELLED, "wait in a storm of interrupts");
  waiter.wait({q}, 0);
  settle_down(waiter, q);
  producer.put(kit.message(q));
  expect_status(waiter.wait({q}, kit.patience_us()), GANDER_OK, "wait after a storm of interrupts");
  kit.take_all(consumer, q, 1);
}

void interrupt_spares_others(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  consumer.interrupt();
  producer.interrupt();
  producer.put(kit.message(q));
  consumer.ack(kit.take_all(consumer, q, 1)[0]);
}

constexpr CheckDef kChecks[] = {
    {{81, "arrival-wakes", "wait", "GBC-503", "wait", "an arrival ends a wait within 50 ms"},
     arrival_wakes},
    {{82, "edge-latched", "wait", "GBC-501", "wait",
      "an arrival between two waits, or before the first, ends the next one"},
     edge_latched},
    {{83, "each-waiter-wakes", "wait", "GBC-501", "wait",
      "every waiting session hears of an arrival"},
     each_waiter_wakes},
    {{84, "give-back-wakes", "wait", "GBC-501", "wait", "what is given back is an arrival"},
     give_back_wakes},
    {{85, "times-out", "wait", "GBC-504 GBC-010", "wait",
      "without an arrival a wait ends with TIMEOUT"},
     times_out},
    {{86, "interrupt-during", "wait", "GBC-502", "wait", "interrupt ends a wait with CANCELLED"},
     interrupt_during},
    {{87, "interrupt-before", "wait", "GBC-502", "wait",
      "interrupt before a wait ends that wait, and only that one"},
     interrupt_before},
    {{88, "interrupt-storm", "wait", "GBC-502 GBC-501", "wait",
      "interrupts from many threads lose no arrival and leave no mark"},
     interrupt_storm},
    {{89, "interrupt-spares-others", "wait", "GBC-502", "",
      "interrupt does nothing to enqueue and exchange"},
     interrupt_spares_others},
};
}  // namespace

std::span<const CheckDef> wait_checks() { return kChecks; }
}  // namespace gander::conformance
