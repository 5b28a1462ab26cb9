// Group hygiene: sizes, strides, flags, strings, borrowed memory, errors.
#include <algorithm>
#include <array>
#include <cstring>

#include "../guarded.h"
#include "../harness.h"
#include "../text.h"

namespace gander::conformance {
namespace {

gander_error poisoned_error() {
  gander_error error{};
  std::memset(&error, 0x5A, sizeof(error));
  error.struct_size = sizeof(error);
  return error;
}

// Enqueues through memory that is gone afterwards.
std::vector<gander_status> enqueue_guarded(Conn& on, const std::vector<Msg>& list,
                                           std::size_t stride) {
  Guarded memory;
  std::vector<gander_message> items;
  for (const Msg& m : list) items.push_back(memory.message(m));
  const auto* req = memory.one(
      gander_enqueue_req{sizeof(gander_enqueue_req), static_cast<std::uint32_t>(stride),
                         static_cast<std::uint32_t>(items.size()), 0, memory.array(items, stride)});
  const auto* call = memory.one(gander_call{sizeof(gander_call), 0, 5 * kSecond, {nullptr, 0}});
  std::vector<gander_status> verdicts(list.size(), kUnwritten);
  gander_error error{};
  error.struct_size = sizeof(error);
  const auto status = on.table().enqueue(on.get(), call, req, verdicts.data(), &error);
  memory.take_away();
  expect_status(status, GANDER_OK, "enqueue", &error);
  return verdicts;
}

Exchanged exchange_guarded(Conn& on, const std::vector<Settle>& settles,
                           const std::vector<Take>& takes, std::size_t extra) {
  Guarded memory;
  std::vector<gander_settle> s;
  for (const Settle& x : settles)
    s.push_back({memory.one(memory.message(x.message)), memory.text(x.from_queue), x.op, 0});
  std::vector<gander_take> t;
  for (const Take& x : takes) t.push_back({memory.text(x.queue), x.max, 0});
  const auto* req = memory.one(gander_exchange_req{
      sizeof(gander_exchange_req), static_cast<std::uint32_t>(sizeof(gander_settle) + extra),
      static_cast<std::uint32_t>(s.size()), static_cast<std::uint32_t>(sizeof(gander_take) + extra),
      static_cast<std::uint32_t>(t.size()), 0, memory.array(s, sizeof(gander_settle) + extra),
      memory.array(t, sizeof(gander_take) + extra), 0});
  Exchanged out;
  out.verdicts.assign(settles.size(), kUnwritten);
  gander_exchange_res res = {sizeof(res), 0, nullptr, 0};
  out.status = on.table().exchange(on.get(), nullptr, req, out.verdicts.data(), &res, nullptr);
  memory.take_away();
  expect_status(out.status, GANDER_OK, "exchange");
  if (res.taken == nullptr) return out;
  for (std::uint32_t i = 0; i < res.taken->count; ++i)
    out.taken.push_back(
        Msg::of(*GANDER_AT(gander_message, res.taken->items, res.taken->item_size, i)));
  res.taken->release(res.taken);
  return out;
}

void round_trip_guarded(Kit& kit, std::size_t extra) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  const auto sent = kit.messages(q, 5);
  for (const auto v : enqueue_guarded(producer, sent, sizeof(gander_message) + extra))
    expect_status(v, GANDER_OK, "verdict of the enqueue");
  std::vector<Msg> got;
  for (const Patience patience; got.size() < sent.size() && patience.more();)
    for (const Msg& m :
         exchange_guarded(consumer, {}, {{kit.queue("none"), 3}, {q, 5}}, extra).taken)
      got.push_back(m);
  expect(got.size() == sent.size(), "of 5 messages ", got.size(), " came");
  for (const Msg& m : got) {
    const bool whole =
        std::ranges::any_of(sent, [&](const Msg& s) { return difference(m, s).empty(); });
    expect(whole, "a delivery is not as it was enqueued");
  }
  std::vector<Settle> acks;
  for (const Msg& m : got) acks.push_back({m, q, GANDER_SETTLE_ACK});
  for (const auto v : exchange_guarded(consumer, acks, {}, extra).verdicts)
    expect_status(v, GANDER_OK, "verdict of the ack");
}

void larger_stride(Kit& kit) { round_trip_guarded(kit, 40); }
void borrowed_memory(Kit& kit) { round_trip_guarded(kit, 0); }

void info_size(Kit& kit) {
  Instance on(kit);
  // A host whose struct ends before `server`, and one whose struct is longer than this header's.
  for (const std::size_t size :
       {offsetof(gander_broker_info, server), sizeof(gander_broker_info) + 64}) {
    alignas(gander_broker_info) std::array<unsigned char, sizeof(gander_broker_info) + 64> memory{};
    memory.fill(0xA5);
    const auto stated = static_cast<std::uint32_t>(size);
    std::memcpy(memory.data(), &stated, sizeof(stated));
    auto* out = static_cast<gander_broker_info*>(static_cast<void*>(memory.data()));
    expect_status(on.table().info(on.get(), nullptr, out, nullptr), GANDER_OK, "info");
    expect(out->struct_size == stated, "info changed struct_size from ", stated, " to ",
           out->struct_size);
    const auto from =
        memory.begin() + static_cast<std::ptrdiff_t>(std::min(size, sizeof(gander_broker_info)));
    expect(std::all_of(from, memory.end(), [](unsigned char c) { return c == 0xA5; }),
           "info wrote behind the ", size, " bytes that the host stated");
  }
}

void unknown_flags(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  const gander_broker_table& t = on.table();
  const Msg m = kit.message(q);
  gander_message item = m.abi();
  gander_status verdict = kUnwritten;
  gander_enqueue_req enqueue = {sizeof(enqueue), sizeof(item), 1, 1U << 31U, &item};
  expect_status(t.enqueue(producer.get(), nullptr, &enqueue, &verdict, nullptr),
                GANDER_INVALID_ARGUMENT, "enqueue with an unknown flag");
  Msg flagged = m;
  flagged.m.flags = 1U << 30U;
  expect_status(producer.enqueue({flagged}).front(), GANDER_INVALID_ARGUMENT,
                "verdict of a message with an unknown flag");
  flagged.m.flags = 0;
  flagged.m.priority = 3;
  expect_status(producer.enqueue({flagged}).front(), GANDER_INVALID_ARGUMENT,
                "verdict of a message with an unknown priority");
  const gander_settle settle = {&item, str(q), GANDER_SETTLE_ACK, 1U << 31U};
  const gander_settle unknown_op = {&item, str(q), 99, 0};
  const gander_take take = {str(q), 1, 1U << 31U};
  const auto expect_refused = [&](const gander_settle* s, const gander_take* k, std::uint32_t flags,
                                  const char* what) {
    const gander_exchange_req req = {sizeof(req),
                                     sizeof(*s),
                                     s != nullptr ? 1U : 0U,
                                     sizeof(*k),
                                     k != nullptr ? 1U : 0U,
                                     flags,
                                     s,
                                     k,
                                     0};
    gander_exchange_res res = {sizeof(res), 0, nullptr, 0};
    expect_status(t.exchange(consumer.get(), nullptr, &req, &verdict, &res, nullptr),
                  GANDER_INVALID_ARGUMENT, what);
  };
  expect_refused(nullptr, nullptr, 1U << 31U, "exchange with an unknown flag");
  expect_refused(&settle, nullptr, 0, "a settle with an unknown flag");
  expect_refused(&unknown_op, nullptr, 0, "a settle with an unknown op");
  expect_refused(nullptr, &take, 0, "a take with an unknown flag");
  kit.expect_empty(consumer, q, "nothing that was refused may be stored");
}

void zero_counts(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  const gander_enqueue_req none = {sizeof(none), sizeof(gander_message), 0, 0, nullptr};
  expect_status(on.table().enqueue(producer.get(), nullptr, &none, nullptr, nullptr), GANDER_OK,
                "enqueue of no message");
  const gander_exchange_req nothing = {
      sizeof(nothing), sizeof(gander_settle), 0, sizeof(gander_take), 0, 0, nullptr, nullptr, 0};
  gander_exchange_res res = {sizeof(res), 0, nullptr, 0};
  expect_status(on.table().exchange(consumer.get(), nullptr, &nothing, nullptr, &res, nullptr),
                GANDER_OK, "exchange of nothing");
  expect(res.taken == nullptr, "exchange of nothing took something");
  producer.put(kit.message(q));
  expect(consumer.take(q, 0).empty(), "a take of at most 0 messages gave one");
  kit.take_all(consumer, q, 1);
}

void counted_strings(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  Msg nul = kit.message(q, std::string("a\0b\0", 4));
  nul.note = std::string("x\0y", 3);
  producer.put(nul);
  const auto got = kit.take_all(consumer, q, 1);
  expect(difference(got[0], nul).empty(),
         "with a NUL inside it came back changed: ", difference(got[0], nul));
  consumer.ack(got[0]);
  const Msg empty = kit.message(q, "");
  gander_message item = empty.abi();
  item.body = {nullptr, 0};
  item.note = {nullptr, 0};
  gander_status verdict = kUnwritten;
  const gander_enqueue_req req = {sizeof(req), sizeof(item), 1, 0, &item};
  expect_status(on.table().enqueue(producer.get(), nullptr, &req, &verdict, nullptr), GANDER_OK,
                "enqueue");
  expect_status(verdict, GANDER_OK, "verdict of a message with an empty body at NULL");
  expect(kit.take_all(consumer, q, 1)[0].body.empty(), "an empty body came back with content");
}

void null_error(Kit& kit) {
  FakeHost& host = Kit::host(false);
  gander_broker* b = nullptr;
  expect_status(kit.create({{"no_such_option", "1"}}, host, &b, nullptr), GANDER_CONFIG,
                "create without an error to write to");
  Instance on(kit);
  const gander_session_opts bad = {sizeof(bad), 99, {nullptr, 0}, nullptr, 0};
  gander_session* s = nullptr;
  expect_status(on.table().open_session(on.get(), nullptr, &bad, &s, nullptr),
                GANDER_INVALID_ARGUMENT, "open_session of an unknown role");
}

void error_text(Kit& kit) {
  FakeHost& host = Kit::host(false);
  gander_broker* b = nullptr;
  std::string umlauts = "no_such_";
  for (int i = 0; i < 400; ++i) umlauts += "\xC3\xA4";
  for (const std::string& name : {umlauts, "x" + umlauts}) {
    gander_error error = poisoned_error();
    const auto status = kit.create({{name, "1"}}, host, &b, &error);
    expect_status(status, GANDER_CONFIG, "create with an unknown option");
    expect(error.code == status, "the error's code is ", status_name(error.code), ", returned was ",
           status_name(status));
    expect(error.struct_size == sizeof(error), "the error's struct_size was changed");
    const auto length = strnlen(error.message, sizeof(error.message));
    expect(length > 0 && length < sizeof(error.message), "the text is empty or has no NUL");
    expect(valid_utf8({error.message, length}), "the text was cut inside a code point");
    expect(strnlen(error.native, sizeof(error.native)) < sizeof(error.native),
           "the native code has no NUL");
  }
  Instance on(kit);
  gander_error error = poisoned_error();
  const gander_error before = error;
  gander_broker_info info{};
  info.struct_size = sizeof(info);
  expect_status(on.table().info(on.get(), nullptr, &info, &error), GANDER_OK, "info");
  expect(std::memcmp(&error, &before, sizeof(error)) == 0, "a call that was OK wrote an error");
}

void extensions(Kit& kit) {
  Instance on(kit);
  const auto ask = [&](const char* id) { return on.table().get_extension(on.get(), id); };
  for (const char* id : {"", "gander.broker.none/1", "gander.broker.inspect/99", "x"})
    expect(ask(id) == nullptr, "the unknown extension \"", id, "\" is not NULL");
  for (const char* id : {GANDER_EXT_INSPECT, GANDER_EXT_MANAGE, GANDER_EXT_HEALTH,
                         GANDER_EXT_MIGRATE, GANDER_EXT_RECLAIM}) {
    const void* first = ask(id);
    expect(ask(id) == first, id, " is another pointer the second time");
  }
}

void verdict_for_each(Kit& kit) {
  const std::string q = kit.queue();
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation(), {q});
  const auto written = [](gander_status v) { return v != kUnwritten && v != GANDER_NOT_ATTEMPTED; };
  const auto verdicts = producer.enqueue(kit.messages(q, 7));
  expect(std::ranges::all_of(verdicts, written), "an enqueued message has no verdict");
  auto got = kit.take_all(consumer, q, 7);
  std::vector<Settle> settles;
  for (const Msg& m : got) settles.push_back({m, q, GANDER_SETTLE_ACK});
  settles.push_back({kit.message(q), q, GANDER_SETTLE_ACK});
  const auto settled = consumer.exchange(settles, {}).verdicts;
  expect(std::ranges::all_of(settled, written), "a settle has no verdict");
}

void steady_info(Kit& kit) {
  Instance on(kit);
  const auto a = on.info(), b = on.info();
  expect(a.caps == b.caps && a.max_batch == b.max_batch && a.max_body == b.max_body,
         "two calls gave different answers");
  expect(a.max_batch > 0, "max_batch is 0");
  expect(a.max_body > 0, "max_body is 0");
  expect(a.lease_us >= 0, "lease_us is negative");
  expect(strnlen(a.server, sizeof(a.server)) < sizeof(a.server), "server has no NUL");
  expect(valid_utf8(a.server) && a.server[0] != '\0', "server is empty or not UTF-8");
}

void session_options(Kit& kit) {
  Instance on(kit);
  const auto open = [&](std::uint32_t role, const std::string& name) {
    const gander_session_opts opts = {sizeof(opts), role, str(name), nullptr, 0};
    gander_session* s = nullptr;
    const auto status = on.table().open_session(on.get(), nullptr, &opts, &s, nullptr);
    if (status == GANDER_OK && s != nullptr) on.table().close_session(s);
    return status;
  };
  for (const std::uint32_t role : {0U, 6U, 99U})
    expect_status(open(role, "kit"), GANDER_INVALID_ARGUMENT, say("open_session of role ", role));
  for (const std::uint32_t role : {GANDER_ROLE_CONSUME, GANDER_ROLE_TEND})
    for (const std::string& name : {std::string(), std::string(101, 'a'), std::string("a b"),
                                    std::string("../x"), std::string("a\0b", 3)})
      expect_status(open(role, name), GANDER_INVALID_ARGUMENT,
                    say("open_session of the incarnation \"", name, "\""));
}

void queue_names(Kit& kit) {
  Instance on(kit);
  Conn producer = on.producer();
  Conn consumer = on.consumer(kit.incarnation());
  std::string longest = kit.queue();
  longest.resize(200, 'n');
  for (const std::string& name :
       {longest, kit.queue("..'\"%$*{}|\\;"), kit.queue("\xC3\xA4\xE2\x82\xAC")}) {
    const Msg m = kit.message(name);
    producer.put(m);
    expect(kit.take_all(consumer, name, 1)[0].queue == name, "the queue ", name,
           " came back changed");
  }
  for (const std::string& name : {std::string(), longest + "n", std::string("a\nb"),
                                  std::string("a\0b", 3), std::string("\x7F")})
    expect_status(producer.enqueue({kit.message(name)}).front(), GANDER_INVALID_ARGUMENT,
                  say("verdict for a queue name of ", name.size(), " bytes"));
}

constexpr CheckDef kChecks[] = {
    {{31, "larger-stride", "hygiene", "GBC-015", "",
      "items of messages, settles and takes may be larger than the plugin's header knows"},
     larger_stride},
    {{32, "info-size", "hygiene", "GBC-015", "", "info writes no more than the host has room for"},
     info_size},
    {{33, "unknown-flags", "hygiene", "GBC-016", "",
      "an unknown flag, op or priority is INVALID_ARGUMENT and has no effect"},
     unknown_flags},
    {{34, "zero-counts", "hygiene", "GBC-017", "", "a count of zero is no error"}, zero_counts},
    {{35, "counted-strings", "hygiene", "GBC-014", "",
      "strings and bodies may hold NUL, lack one, or be empty at NULL"},
     counted_strings},
    {{36, "borrowed-memory", "hygiene", "GBC-013", "",
      "nothing handed in is read after the call has returned"},
     borrowed_memory},
    {{37, "null-error", "hygiene", "GBC-008", "", "a failure with no error to write to is fine"},
     null_error},
    {{38, "error-text", "hygiene", "GBC-008 GBC-009", "",
      "an error is written on failure only, whole, NUL-terminated and cut at a code point"},
     error_text},
    {{39, "extensions", "hygiene", "GBC-006", "",
      "an unknown extension is NULL, a known one the same pointer every time"},
     extensions},
    {{40, "verdict-for-each", "hygiene", "GBC-202 GBC-301", "",
      "every message and every settle has a verdict"},
     verdict_for_each},
    {{41, "steady-info", "hygiene", "GBC-012", "",
      "info says the same every time, with sane limits"},
     steady_info},
    {{42, "session-options", "hygiene", "GBC-018", "",
      "an unknown role or a bad incarnation name is INVALID_ARGUMENT"},
     session_options},
    {{43, "queue-names", "hygiene", "GBC-212", "",
      "a queue name of 1 to 200 bytes without control characters works, another is refused"},
     queue_names},
};
}  // namespace

std::span<const CheckDef> hygiene_checks() { return kChecks; }
}  // namespace gander::conformance
