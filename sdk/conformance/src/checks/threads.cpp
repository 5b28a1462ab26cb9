// Group threads: sessions move between threads, and nothing runs on after the end.
#include <set>
#include <thread>

#include "../harness.h"

namespace gander::conformance {
namespace {

void session_hops(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  const auto incarnation = kit.incarnation();
  std::optional<Conn> producer, consumer, tender;
  std::string fault;
  // Each step on a thread of its own, one after another.
  const auto elsewhere = [&](auto&& step) {
    std::jthread([&] {
      try {
        step();
      } catch (const std::exception& e) {
        fault = e.what();
      }
    }).join();
    expect(fault.empty(), fault);
  };
  elsewhere([&] { producer.emplace(on.producer()); });
  elsewhere([&] { consumer.emplace(on.consumer(incarnation, {q})); });
  elsewhere([&] { tender.emplace(on.tender(incarnation)); });
  for (int i = 0; i < 10; ++i) {
    elsewhere([&] { producer->put(kit.message(q)); });
    elsewhere([&] { tender->tend(); });
    elsewhere([&] { consumer->ack(kit.take_all(*consumer, q, 1)[0]); });
  }
  elsewhere([&] { consumer.reset(); });
  elsewhere([&] { tender.reset(); });
  elsewhere([&] { producer.reset(); });
}

void side_by_side(Kit& kit) {
  constexpr std::size_t kEach = 300;
  const std::string q = kit.queue();
  Instance on(kit);
  std::atomic<std::size_t> acked = 0;
  std::mutex mutex;
  std::string fault;
  const auto safely = [&](auto&& work) {
    try {
      work();
    } catch (const std::exception& e) {
      const std::lock_guard lock(mutex);
      fault = e.what();
    }
  };
  std::vector<std::vector<Msg>> lists = {kit.messages(q, kEach), kit.messages(q, kEach),
                                         kit.messages(q, kEach)};
  const std::string names[] = {kit.incarnation(), kit.incarnation(), kit.incarnation()};
  {
    std::vector<std::jthread> threads;
    for (const auto& list : lists)
      threads.emplace_back([&] {
        safely([&] {
          Conn producer = on.producer();
          for (const Msg& m : list) producer.put(m);
        });
      });
    for (const auto& name : names)
      threads.emplace_back([&] {
        safely([&] {
          Conn consumer = on.consumer(name, {q});
          Conn tender = on.tender(name);
          for (const Patience patience(std::chrono::seconds(30));
               acked < 3 * kEach && patience.more();) {
            for (const Msg& m : consumer.take(q, 10)) consumer.ack(m), ++acked;
            tender.tend();
            on.info();
          }
        });
      });
  }
  expect(fault.empty(), fault);
  expect(acked == 3 * kEach, "of ", 3 * kEach, " messages ", acked.load(), " were acked");
}

void silent_after_destroy(Kit& kit) {
  const std::string q = kit.queue();
  kit.table();
  std::thread([] {}).join();  // beside the first, a sanitizer starts one of its own
  const auto threads = live_threads();
  const auto files = open_files();
  {
    Instance warm(kit);
    Conn producer = warm.producer();
    const auto incarnation = kit.incarnation();
    Conn consumer = warm.consumer(incarnation, {q});
    Conn tender = warm.tender(incarnation);
    producer.put(kit.message(q));
    consumer.ack(kit.take_all(consumer, q, 1)[0]);
    tender.tend();
    consumer.close(), tender.close(), producer.close();
    FakeHost& asked = warm.host();
    warm.destroy();
    // A thread left behind shows at once or within a beat of its timer.
    for (const Patience beat(std::chrono::milliseconds(300)); beat.more();)
      expect(asked.calls_after_end() == 0, "after destroy the plugin called the host ",
             asked.calls_after_end(), " time(s)");
  }
  expect(live_threads() == threads, live_threads() - threads, " thread(s) outlived the instance");
  expect(open_files() == files, open_files() - files, " file(s) outlived the instance");
}

constexpr CheckDef kChecks[] = {
    {{121, "session-hops", "threads", "GBC-019", "",
      "the calls on one session may come from different threads, one after another"},
     session_hops},
    {{122, "side-by-side", "threads", "GBC-019", "",
      "sessions of one instance work at the same time"},
     side_by_side},
    {{123, "silent-after-destroy", "threads", "GBC-005 GBC-106", "",
      "after destroy no thread, no file and no call of the host remains"},
     silent_after_destroy},
};
}  // namespace

std::span<const CheckDef> thread_checks() { return kChecks; }
}  // namespace gander::conformance
