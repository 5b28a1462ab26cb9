// The example's memory broker, broken in one way: gander_mutant_name says which. Each way is a
// mistake that a plugin author has made or could make; mutants.txt says what each must be caught
// by.
#include <unistd.h>

#include <fcntl.h>

#include <atomic>
#include <cstdlib>
#include <string_view>
#include <thread>

#define gander_plugin_v1 sound_plugin_v1
#include "memory_broker.cpp"
#undef gander_plugin_v1

extern "C" GANDER_EXPORT const gander_plugin* gander_plugin_v1(std::uint32_t host_abi) noexcept;
extern "C" const char gander_mutant_name[];  // a file of one line for each mutant

namespace {

bool is(std::string_view name) { return name == gander_mutant_name; }

const gander_broker_table& sound() {
  return *static_cast<const gander_broker_table*>(sound_plugin_v1(GANDER_ABI)->components->table);
}

// Copies of what was handed in, to be broken.
template <class T>
std::vector<T> copies(const T* items, std::size_t stride, std::size_t n) {
  std::vector<T> list;
  for (std::size_t i = 0; i < n; ++i) list.push_back(*GANDER_AT(T, items, stride, i));
  return list;
}

// ---- create, destroy

std::int64_t wrong_now(const gander_host* h) noexcept {
  const auto* real = static_cast<const gander_host*>(h->host_data);
  if (is("ignores-run-at")) return real->now_us(real) + INT64_C(365) * 86'400 * 1'000'000;
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

const gander_host* wrong_host(const gander_host* real) {
  static std::array<gander_host, 64> hosts;
  static std::atomic<std::size_t> next = 0;
  gander_host* h = &(hosts[next++ % hosts.size()] = *real);
  h->host_data = const_cast<gander_host*>(real);
  h->now_us = wrong_now;
  return h;
}

void late_talker(const gander_host* h) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(250);
  while (std::chrono::steady_clock::now() < end) {
    h->log_enabled(h, GANDER_LOG_DEBUG);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

int opened_file = -1;

gander_status create(const gander_host* host, const gander_kv* options, std::size_t n,
                     gander_broker** out, gander_error* error) noexcept {
  std::vector<gander_kv> list(options, options + n);
  if (is("accepts-any-option"))
    std::erase_if(
        list, [](const gander_kv& o) { return view(o.key) != "url" && view(o.key) != "lease_s"; });
  if (is("accepts-any-value"))
    std::erase_if(list, [](const gander_kv& o) { return view(o.key) == "lease_s"; });
  if (is("ignores-run-at") || is("own-clock")) host = wrong_host(host);
  if (is("leaks-a-thread"))
    std::thread([] {
      for (;;) pause();
    }).detach();
  if (is("connects-in-create")) opened_file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (is("leaks-memory")) static_cast<void>(new (std::nothrow) std::string(1000, 'x'));
  const auto status = sound().create(host, list.data(), list.size(), out, error);
  if (is("unterminated-error") && status != GANDER_OK && error != nullptr)
    std::memset(error->message, 'x', sizeof(error->message));
  if (is("talks-after-destroy") && status == GANDER_OK) std::thread(late_talker, host).detach();
  return status;
}

void destroy(gander_broker* b) noexcept {
  sound().destroy(b);
  if (is("connects-in-create")) ::close(std::exchange(opened_file, -1));
}

gander_status info(gander_broker* b, const gander_call* call, gander_broker_info* out,
                   gander_error* error) noexcept {
  if (!is("overruns-info")) return sound().info(b, call, out, error);
  gander_broker_info whole{};
  whole.struct_size = sizeof(whole);
  const auto status = sound().info(b, call, &whole, error);
  const auto size = out->struct_size;
  *out = whole;
  out->struct_size = size;
  return status;
}

const void* get_extension(gander_broker* b, const char* id) noexcept {
  const bool known =
      std::string_view(id).starts_with("gander.broker.") && std::string_view(id).ends_with("/1");
  return is("any-extension") && !known ? b : sound().get_extension(b, id);
}

// ---- enqueue

const gander_message* remembered = nullptr;

void break_messages(std::vector<gander_message>& items) {
  for (gander_message& m : items) {
    if (is("ignores-front")) m.flags &= ~GANDER_MESSAGE_FRONT;
    if (is("accepts-flags")) m.flags &= GANDER_MESSAGE_FRONT;
    if (is("ignores-priority") && m.priority < GANDER_PRIORITY_LOW)
      m.priority = GANDER_PRIORITY_NORMAL;
    if (is("cuts-at-nul") && m.body.len > 0)
      m.body.len = strnlen(static_cast<const char*>(m.body.ptr), m.body.len);
    if (is("forgets-note")) m.note = {};
  }
}

void throwing_check(const gander_enqueue_req& req) {
  for (std::size_t i = 0; i < req.count; ++i)
    if (GANDER_AT(gander_message, req.items, req.item_size, i)->body.len > 1U << 20U)
      throw std::length_error("body");
}

// Not noexcept: one of the mutants lets its exception out, as a table filled in by a cast would.
gander_status enqueue(gander_session* s, const gander_call* call, const gander_enqueue_req* given,
                      gander_status* verdicts, gander_error* error) {
  gander_enqueue_req req = *given;
  if (is("throws")) throwing_check(req);
  if (is("ignores-stride")) req.item_size = sizeof(gander_message);
  auto items = copies(req.items, req.item_size, req.count);
  break_messages(items);
  if (is("keeps-pointers") && req.count > 0 && req.count <= 5) remembered = req.items;
  req.items = items.data(), req.item_size = sizeof(gander_message);
  if (is("accepts-flags")) req.flags = 0;
  const gander_status last = req.count > 0 ? verdicts[req.count - 1] : GANDER_OK;
  const auto status = sound().enqueue(s, call, &req, verdicts, error);
  if (is("accepts-duplicates"))
    std::replace(verdicts, verdicts + req.count, gander_status{GANDER_DUPLICATE},
                 gander_status{GANDER_OK});
  if (is("verdict-missing") && req.count > 1) verdicts[req.count - 1] = last;
  return status;
}

// ---- exchange

void break_settles(std::vector<gander_settle>& settles) {
  for (gander_settle& s : settles) {
    if (is("loses-given-back") && s.op == GANDER_SETTLE_GIVE_BACK) s.op = GANDER_SETTLE_ACK;
    if (is("retries-the-dead") && s.op == GANDER_SETTLE_DEAD) s.op = GANDER_SETTLE_GIVE_BACK;
    if (is("accepts-flags")) s.flags = 0;
  }
}

// Redelivers the last message of the last taker to the next one, as a lease that is not kept would.
struct {
  std::mutex mutex;
  gander_session* taker = nullptr;
  gander_message message{};
  std::string queue, body, note;
} twin;

void take_twice(gander_session* s, gander_exchange_res& res) {
  const std::lock_guard lock(twin.mutex);
  if (res.taken != nullptr) {
    const gander_message& m = res.taken->items[res.taken->count - 1];
    twin.queue = view(m.queue), twin.body = view(m.body), twin.note = view(m.note);
    twin.taker = s, twin.message = m;
  } else if (twin.taker != nullptr && twin.taker != s) {
    auto batch = std::make_unique<Batch>();
    gander_message m = twin.message;
    m.queue = str(twin.queue), m.body = bytes(twin.body), m.note = str(twin.note);
    batch->add(m);
    res.taken = Batch::give(std::move(batch));
    twin.taker = nullptr;
  }
}

// The effect of an ack, whoever sent it.
void ack_of_a_stranger(gander_session* s, const gander_settle& settle) {
  Memory& m = static_cast<MemorySession&>(*detail::box(s).session).m_;
  const std::lock_guard lock(m.mutex);
  const auto place = m.messages.find(settle.message->id);
  if (place == m.messages.end() || place->second->holder == nullptr) return;
  place->second->holder->erase(place->second);
  m.messages.erase(place);
}

// From the third empty exchange in a row on, but five times in all.
void wait_for_work(bool found) {
  static std::atomic<int> empty = 0, waited = 0;
  empty = found ? 0 : empty + 1;
  if (empty > 2 && ++waited <= 5) std::this_thread::sleep_for(std::chrono::milliseconds(600));
}

gander_status exchange(gander_session* s, const gander_call* call, const gander_exchange_req* given,
                       gander_status* verdicts, gander_exchange_res* res,
                       gander_error* error) noexcept {
  gander_exchange_req req = *given;
  if (remembered != nullptr)
    static_cast<void>(*const_cast<const volatile std::uint32_t*>(&remembered->priority));
  auto settles = copies(req.settles, req.settle_size, req.settle_count);
  break_settles(settles);
  auto takes = copies(req.takes, req.take_size, req.take_count);
  if (is("takes-backwards")) std::reverse(takes.begin(), takes.end());
  for (gander_take& t : takes) {
    if (is("one-too-many")) ++t.max_messages;
    if (is("accepts-flags")) t.flags = 0;
  }
  if (is("acks-vanish"))
    std::erase_if(settles,
                  [](const gander_settle& x) { return x.op == GANDER_SETTLE_ACK && x.flags == 0; });
  if (is("ignores-max-bytes")) req.max_bytes = 0;
  if (is("accepts-flags")) req.flags = 0;
  req.settles = settles.data(), req.settle_size = sizeof(gander_settle);
  req.settle_count = static_cast<std::uint32_t>(settles.size());
  req.takes = takes.data(), req.take_size = sizeof(gander_take);
  if (is("acks-vanish")) std::fill_n(verdicts, given->settle_count, gander_status{GANDER_OK});
  const auto status = sound().exchange(s, call, &req, verdicts, res, error);
  for (std::size_t i = 0; i < settles.size(); ++i) {
    if (verdicts[i] != GANDER_LEASE_LOST) continue;
    if (is("settles-for-strangers")) ack_of_a_stranger(s, settles[i]);
    if (is("hides-lost-leases") || is("settles-for-strangers")) verdicts[i] = GANDER_OK;
  }
  if (is("delivers-twice") && status == GANDER_OK) take_twice(s, *res);
  if (is("waits-in-exchange") && status == GANDER_OK) wait_for_work(res->taken != nullptr);
  if (is("silent-about-due")) res->next_due_us = 0;
  return status;
}

// ---- the rest

gander_status wait(gander_session* s, const gander_call* call, const gander_str* queues,
                   std::size_t n, gander_error* error) noexcept {
  if (is("misses-the-edge")) {
    const gander_call now = {sizeof(now), 0, 0, {nullptr, 0}};
    if (sound().wait(s, &now, queues, n, error) == GANDER_CANCELLED) return GANDER_CANCELLED;
  }
  return sound().wait(s, call, queues, n, error);
}

gander_status tend(gander_session* s, const gander_call* call, gander_tend_res* res,
                   gander_error* error) noexcept {
  return is("tends-nothing") ? GANDER_OK : sound().tend(s, call, res, error);
}

void interrupt(gander_session* s) noexcept {
  if (!is("ignores-interrupt")) sound().interrupt(s);
}

gander_status open_session(gander_broker* b, const gander_call* call,
                           const gander_session_opts* given, gander_session** out,
                           gander_error* error) noexcept {
  return sound().open_session(b, call, given, out, error);
}

using Enqueue = decltype(gander_broker_table::enqueue);

const gander_broker_table& broken_table() {
  static const gander_broker_table table = {sizeof(gander_broker_table),
                                            0,
                                            create,
                                            destroy,
                                            info,
                                            get_extension,
                                            open_session,
                                            sound().close_session,
                                            reinterpret_cast<Enqueue>(enqueue),
                                            exchange,
                                            wait,
                                            tend,
                                            interrupt};
  return table;
}

std::string without_descriptions(std::string schema) {
  for (std::size_t at; (at = schema.find("\"description\"")) != std::string::npos;)
    schema.replace(at, 13, "\"$comment\"");
  return schema;
}

struct Loader {
  Loader() {
    if (is("thread-at-load"))
      std::thread([] {
        for (;;) pause();
      }).detach();
    if (is("changes-environment")) setenv("GANDER_MUTANT", "1", 1);
  }
} const loader;

}  // namespace

const gander_plugin* gander_plugin_v1(std::uint32_t host_abi) noexcept {
  static const std::string schema = without_descriptions(gander_generated::kSchema);
  static gander_component component = *sound_plugin_v1(GANDER_ABI)->components;
  component.table = &broken_table();
  if (is("bare-schema")) component.config_schema = schema.c_str();
  static gander_plugin plugin = *sound_plugin_v1(GANDER_ABI);
  plugin.components = &component;
  if (is("short-stride")) plugin.item_size = 8;
  if (!is("any-major") && (host_abi >> 16U) != GANDER_ABI_MAJOR) return nullptr;
  return is("other-pointer") ? new gander_plugin(plugin) : &plugin;
}
