// Group take: what an exchange gives, to whom, and who owns it.
#include <algorithm>
#include <set>
#include <thread>

#include "../harness.h"

namespace gander::conformance {
namespace {

void max_messages(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  producer.enqueue(kit.messages(q, 10));
  std::size_t came = 0;
  for (const Patience patience; came < 10 && patience.more();) {
    const auto got = consumer.take(q, 3);
    expect(got.size() <= 3, "a take of at most 3 gave ", got.size());
    came += got.size();
  }
  expect(came == 10, "of 10 messages ", came, " came");
}

void max_bytes(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  for (int i = 0; i < 6; ++i) producer.put(kit.message(q, std::string(1000, 'b')));
  std::size_t came = 0;
  for (const Patience patience; came < 6 && patience.more();) {
    const auto got = consumer.exchange({}, {{q, 10}}, 2500).taken;
    expect(got.size() <= 2, "of bodies of 1000 bytes, ", got.size(), " were given for 2500 bytes");
    came += got.size();
  }
  expect(came == 6, "of 6 messages ", came, " came");
  producer.put(kit.message(q, std::string(5000, 'b')));
  std::vector<Msg> got;
  for (const Patience patience; got.empty() && patience.more();)
    got = consumer.exchange({}, {{q, 10}}, 100).taken;
  expect(got.size() == 1, "a body larger than max_bytes never came: at least one must be given");
}

void take_order(Kit& kit) {
  const std::string a = kit.queue("a"), b = kit.queue("b"), none = kit.queue("none");
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {a, b});
  producer.enqueue(kit.messages(a, 4));
  producer.enqueue(kit.messages(b, 4));
  std::vector<Msg> got;
  for (const Patience patience; got.size() < 6 && patience.more();) {
    const auto more = consumer.exchange({}, {{b, 4}, {none, 1}, {a, 2}}).taken;
    const auto first_a = std::ranges::find(more, a, &Msg::queue);
    expect(std::ranges::find(first_a, more.end(), b, &Msg::queue) == more.end(),
           "a message of the second queue came before one of the first");
    got.insert(got.end(), more.begin(), more.end());
  }
  const auto of_b = std::ranges::count(got, b, &Msg::queue);
  expect(of_b == 4, "of 4 messages in the first queue ", of_b, " came");
}

void does_not_wait(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn consumer = on.consumer(kit.incarnation(), {q});
  consumer.take(q, 1);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) kit.expect_empty(consumer, q, "nothing was enqueued");
  expect(std::chrono::steady_clock::now() - start < std::chrono::seconds(2),
         "five exchanges on an empty queue took more than two seconds");
}

void leased_once(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn one = on.consumer(kit.incarnation(), {q}), two = on.consumer(kit.incarnation(), {q});
  producer.put(kit.message(q));
  kit.take_all(one, q, 1);
  for (int i = 0; i < 20; ++i) {
    kit.expect_empty(one, q, "the one message is leased, to this incarnation");
    kit.expect_empty(two, q, "the one message is leased, to another incarnation");
  }
}

void no_double_delivery(Kit& kit) {
  constexpr std::size_t kMessages = 4000, kBatch = 100, kWorkers = 8;
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  std::vector<Conn> consumers;
  for (std::size_t i = 0; i < kWorkers; ++i)
    consumers.push_back(on.consumer(kit.incarnation(), {q}));
  std::vector<std::vector<Msg>> batches;
  for (std::size_t i = 0; i < kMessages; i += kBatch) batches.push_back(kit.messages(q, kBatch));

  std::mutex mutex;
  std::multiset<std::string> seen;
  std::string fault;
  const auto work = [&](Conn& consumer) {
    try {
      std::vector<Settle> acks;
      for (const Patience patience(std::chrono::seconds(30)); patience.more();) {
        const auto result = consumer.exchange(acks, {{q, 37}});
        acks.clear();
        for (const auto v : result.verdicts) expect_status(v, GANDER_OK, "verdict of an ack");
        const std::lock_guard lock(mutex);
        for (const Msg& m : result.taken) {
          seen.insert(id_text(m.m.id));
          acks.push_back({m, q, GANDER_SETTLE_ACK});
        }
        if (acks.empty() && seen.size() >= kMessages) return;
      }
    } catch (const std::exception& e) {
      const std::lock_guard lock(mutex);
      fault = e.what();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (Conn& c : consumers) workers.emplace_back([&] { work(c); });
    for (const auto& batch : batches) producer.enqueue(batch);
  }
  expect(fault.empty(), fault);
  const std::set<std::string> distinct(seen.begin(), seen.end());
  expect(distinct.size() == kMessages, "of ", kMessages, " messages ", distinct.size(), " came");
  expect(seen.size() == kMessages, seen.size() - kMessages, " message(s) came twice");
}

// A batch as the plugin handed it out, not yet released.
gander_batch* take_raw(Conn& consumer, const std::string& q, std::uint32_t max) {
  const gander_take take = {str(q), max, 0};
  const gander_exchange_req req = {
      sizeof(req), sizeof(gander_settle), 0, sizeof(take), 1, 0, nullptr, &take, 0};
  for (const Patience patience; patience.more();) {
    gander_exchange_res res = {sizeof(res), 0, nullptr, 0};
    expect_status(consumer.table().exchange(consumer.get(), nullptr, &req, nullptr, &res, nullptr),
                  GANDER_OK, "exchange");
    if (res.taken != nullptr) return res.taken;
  }
  throw Failure("an enqueued message never came");
}

std::vector<Msg> copy(const gander_batch& batch) {
  expect(batch.item_size >= sizeof(gander_message), "the batch's item_size is ", batch.item_size);
  std::vector<Msg> list;
  for (std::uint32_t i = 0; i < batch.count; ++i)
    list.push_back(Msg::of(*GANDER_AT(gander_message, batch.items, batch.item_size, i)));
  return list;
}

void batch_unchanged(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  producer.enqueue(kit.messages(q, 20));
  gander_batch* batch = take_raw(consumer, q, 5);
  const auto before = copy(*batch);
  for (const Msg& m : before) consumer.ack(m);
  producer.enqueue(kit.messages(q, 200));
  for (const Msg& m : kit.take_all(consumer, q, 200)) consumer.ack(m);
  const auto after = copy(*batch);
  for (std::size_t i = 0; i < before.size(); ++i)
    expect(difference(before[i], after[i]).empty(), "a later call changed ",
           difference(before[i], after[i]), " of a batch not yet released");
  batch->release(batch);
}

void batch_outlives_session(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  on.producer().put(kit.message(q, "kept"));
  std::optional<Conn> consumer = on.consumer(kit.incarnation(), {q});
  gander_batch* batch = take_raw(*consumer, q, 1);
  consumer.reset();
  expect(copy(*batch).front().body == "kept", "the batch changed when its session was closed");
  std::jthread([&] { batch->release(batch); }).join();
}

void release_settles_nothing(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  producer.put(kit.message(q));
  gander_batch* batch = take_raw(consumer, q, 1);
  const Msg m = copy(*batch).front();
  batch->release(batch);
  kit.expect_empty(consumer, q, "releasing a batch does not give its messages back");
  expect_status(consumer.settle(m, GANDER_SETTLE_ACK), GANDER_OK, "ack after the release");
}

constexpr CheckDef kChecks[] = {
    {{71, "max-messages", "take", "GBC-402", "", "a take gives at most max_messages"},
     max_messages},
    {{72, "max-bytes", "take", "GBC-402", "",
      "an exchange gives at most max_bytes of bodies, but at least one message"},
     max_bytes},
    {{73, "take-order", "take", "GBC-403", "", "takes are served in the order given"}, take_order},
    {{74, "does-not-wait", "take", "GBC-405", "", "an exchange never waits for work"},
     does_not_wait},
    {{75, "leased-once", "take", "GBC-401", "", "what is leased is not given again"}, leased_once},
    {{76, "no-double-delivery", "take", "GBC-401", "",
      "eight incarnations that race for messages get each of them once"},
     no_double_delivery},
    {{77, "batch-unchanged", "take", "GBC-406", "", "a batch stays as it is until its release"},
     batch_unchanged},
    {{78, "batch-outlives-session", "take", "GBC-407", "",
      "a batch may be read and released after its session was closed, on any thread"},
     batch_outlives_session},
    {{79, "release-settles-nothing", "take", "GBC-407", "",
      "release frees memory and settles nothing"},
     release_settles_nothing},
};
}  // namespace

std::span<const CheckDef> take_checks() { return kChecks; }
}  // namespace gander::conformance
