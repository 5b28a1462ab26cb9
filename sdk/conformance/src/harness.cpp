#include "harness.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cctype>
#include <cstring>
#include <deque>
#include <thread>

namespace gander::conformance {

namespace {
gander_error fresh_error() {
  gander_error error{};
  error.struct_size = sizeof(error);
  return error;
}

std::vector<gander_str> strs(const std::vector<std::string>& list) {
  std::vector<gander_str> out;
  for (const auto& s : list) out.push_back(str(s));
  return out;
}

void fill_in(std::string& text, std::string_view mark, std::string_view with) {
  const auto at = text.find(mark);
  if (at != std::string::npos) text.replace(at, mark.size(), with);
}

// The scratch folder has a name of its own already; of that, the letters and digits.
std::string word_of(std::string_view folder) {
  std::string word;
  for (const char c : folder.substr(folder.rfind('/') + 1))
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) word += c;
  return word;
}

const gander_call kCall = {sizeof(gander_call), 0, 10 * kSecond, {nullptr, 0}};
}  // namespace

// ---- sessions

Conn::Conn(Instance& on, std::uint32_t role, std::string incarnation,
           std::vector<std::string> queues)
    : on_(&on), s_(nullptr) {
  const auto names = strs(queues);
  const gander_session_opts opts = {sizeof(opts), role, str(incarnation), names.data(),
                                    names.size()};
  gander_error error = fresh_error();
  const auto status = on.table().open_session(on.get(), &kCall, &opts, &s_, &error);
  expect_status(status, GANDER_OK, say("open_session, role ", role), &error);
  expect(s_ != nullptr, "open_session returned OK and no session");
}

void Conn::close() {
  if (s_ != nullptr) table().close_session(std::exchange(s_, nullptr));
}

const gander_broker_table& Conn::table() const { return on_->table(); }

std::vector<gander_status> Conn::enqueue(const std::vector<Msg>& list) {
  std::vector<gander_message> items;
  for (const Msg& m : list) items.push_back(m.abi());
  std::vector<gander_status> verdicts(items.size(), kUnwritten);
  const gander_enqueue_req req = {sizeof(req), sizeof(gander_message),
                                  static_cast<std::uint32_t>(items.size()), 0, items.data()};
  gander_error error = fresh_error();
  expect_status(table().enqueue(s_, &kCall, &req, verdicts.data(), &error), GANDER_OK, "enqueue",
                &error);
  return verdicts;
}

void Conn::put(const Msg& message) {
  expect_status(enqueue({message}).front(), GANDER_OK, "verdict of the enqueue");
}

Exchanged Conn::try_exchange(const std::vector<Settle>& settles, const std::vector<Take>& takes,
                             std::uint64_t max_bytes) {
  std::vector<gander_message> successors;
  for (const Settle& s : settles) successors.push_back(s.message.abi());
  std::vector<gander_settle> abi_settles;
  for (std::size_t i = 0; i < settles.size(); ++i)
    abi_settles.push_back({&successors[i], str(settles[i].from_queue), settles[i].op, 0});
  std::vector<gander_take> abi_takes;
  for (const Take& t : takes) abi_takes.push_back({str(t.queue), t.max, 0});
  const gander_exchange_req req = {sizeof(req),
                                   sizeof(gander_settle),
                                   static_cast<std::uint32_t>(abi_settles.size()),
                                   sizeof(gander_take),
                                   static_cast<std::uint32_t>(abi_takes.size()),
                                   0,
                                   abi_settles.data(),
                                   abi_takes.data(),
                                   max_bytes};
  Exchanged out;
  out.verdicts.assign(settles.size(), kUnwritten);
  out.error = fresh_error();
  gander_exchange_res res = {sizeof(res), 0, nullptr, 0};
  out.status = table().exchange(s_, &kCall, &req, out.verdicts.data(), &res, &out.error);
  out.next_due_us = res.next_due_us;
  if (res.taken != nullptr) {
    for (std::uint32_t i = 0; i < res.taken->count; ++i)
      out.taken.push_back(
          Msg::of(*GANDER_AT(gander_message, res.taken->items, res.taken->item_size, i)));
    res.taken->release(res.taken);
  }
  return out;
}

Exchanged Conn::exchange(const std::vector<Settle>& settles, const std::vector<Take>& takes,
                         std::uint64_t max_bytes) {
  Exchanged out = try_exchange(settles, takes, max_bytes);
  expect_status(out.status, GANDER_OK, "exchange", &out.error);
  return out;
}

std::vector<Msg> Conn::take(const std::string& queue, std::uint32_t max) {
  return exchange({}, {{queue, max}}).taken;
}

gander_status Conn::settle(const Msg& delivery, std::uint32_t op) {
  return exchange({{delivery, delivery.queue, op}}, {}).verdicts.front();
}

void Conn::ack(const Msg& delivery) {
  expect_status(settle(delivery, GANDER_SETTLE_ACK), GANDER_OK, "verdict of the ack");
}

gander_status Conn::wait(const std::vector<std::string>& queues, std::int64_t timeout_us) {
  const auto names = strs(queues);
  const gander_call call = {sizeof(call), 0, timeout_us, {nullptr, 0}};
  gander_error error = fresh_error();
  return table().wait(s_, &call, names.data(), names.size(), &error);
}

gander_status Conn::try_tend(gander_tend_res* out) {
  gander_tend_res res{};
  res.struct_size = sizeof(res);
  gander_error error = fresh_error();
  const auto status = table().tend(s_, &kCall, &res, &error);
  if (out != nullptr) *out = res;
  return status;
}

gander_tend_res Conn::tend() {
  gander_tend_res res{};
  expect_status(try_tend(&res), GANDER_OK, "tend");
  return res;
}

void Conn::interrupt() { table().interrupt(s_); }

// ---- instances

Instance::Instance(Kit& kit) : kit_(kit), host_(&Kit::host(kit.has_cap(GANDER_CAP_SERVER_CLOCK))) {
  gander_error error = fresh_error();
  expect_status(kit.create(kit.options(), *host_, &b_, &error), GANDER_OK, "create", &error);
  expect(b_ != nullptr, "create returned OK and no instance");
}

void Instance::destroy() {
  if (b_ == nullptr) return;
  table().destroy(std::exchange(b_, nullptr));
  host_->end();
}

const gander_broker_table& Instance::table() const { return kit_.table(); }

gander_broker_info Instance::info() {
  gander_broker_info info{};
  info.struct_size = sizeof(info);
  gander_error error = fresh_error();
  expect_status(table().info(b_, &kCall, &info, &error), GANDER_OK, "info", &error);
  return info;
}

Conn Instance::producer(std::vector<std::string> queues) {
  return {*this, GANDER_ROLE_PRODUCE, "", std::move(queues)};
}
Conn Instance::consumer(const std::string& incarnation, std::vector<std::string> queues) {
  return {*this, GANDER_ROLE_CONSUME, incarnation, std::move(queues)};
}
Conn Instance::waiter(std::vector<std::string> queues) {
  return {*this, GANDER_ROLE_WAIT, "", std::move(queues)};
}
Conn Instance::tender(const std::string& incarnation) {
  return {*this, GANDER_ROLE_TEND, incarnation, {}};
}
Conn Instance::admin() { return {*this, GANDER_ROLE_ADMIN, "", {}}; }

void Instance::pass(std::int64_t us) {
  if (!kit_.has_cap(GANDER_CAP_SERVER_CLOCK)) return host_->advance(us);
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(us);
  std::this_thread::sleep_until(until);
}

// ---- kit

Kit::Kit(const KitOptions& options, const Check& check, std::uint64_t seed, std::string tmp)
    : options_(options),
      tmp_(std::move(tmp)),
      word_(word_of(tmp_)),
      random_(seed ^ (static_cast<std::uint64_t>(check.number) << 32U)) {}

const gander_plugin* Kit::plugin() {
  if (plugin_ != nullptr) return plugin_;
  void* file = dlopen(options_.file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (file == nullptr) throw Failure(say("cannot be loaded: ", dlerror()));
  void* symbol = dlsym(file, "gander_plugin_v1");
  expect(symbol != nullptr, "exports no gander_plugin_v1");
  plugin_ = reinterpret_cast<decltype(&gander_plugin_v1)>(symbol)(GANDER_ABI);
  expect(plugin_ != nullptr, "gander_plugin_v1(", GANDER_ABI, ") returned NULL");
  return plugin_;
}

const gander_component& Kit::component() {
  const gander_plugin* p = plugin();
  for (std::uint32_t i = 0; i < p->count; ++i) {
    const auto* c = GANDER_AT(gander_component, p->components, p->item_size, i);
    if (std::string_view(c->kind) == GANDER_BROKER_KIND) return *c;
  }
  throw Skip("the file offers no " GANDER_BROKER_KIND);
}

const gander_broker_table& Kit::table() {
  return *static_cast<const gander_broker_table*>(component().table);
}

std::vector<std::pair<std::string, std::string>> Kit::options() const {
  auto list = options_.options;
  if (!options_.url.empty()) list.emplace_back("url", options_.url);
  for (auto& [key, value] : list) {
    fill_in(value, "{tmp}", tmp_);
    fill_in(value, "{word}", word_);
  }
  return list;
}

gander_status Kit::create(const std::vector<std::pair<std::string, std::string>>& options,
                          FakeHost& host, gander_broker** out, gander_error* error) {
  std::vector<gander_kv> list;
  for (const auto& [key, value] : options) list.push_back({str(key), str(value)});
  return table().create(host.get(), list.data(), list.size(), out, error);
}

gander_broker_info Kit::info() {
  if (info_) return *info_;
  FakeHost& host = Kit::host(true);
  gander_broker* b = nullptr;
  gander_error error = fresh_error();
  expect_status(create(options(), host, &b, &error), GANDER_OK, "create", &error);
  gander_broker_info info{};
  info.struct_size = sizeof(info);
  const auto status = table().info(b, &kCall, &info, &error);
  table().destroy(b);
  expect_status(status, GANDER_OK, "info", &error);
  info_ = info;
  return info;
}

FakeHost& Kit::host(bool real_clock) {
  static auto& all = *new std::deque<FakeHost>;
  return all.emplace_back(real_clock);
}

std::uint64_t Kit::caps() { return info().caps; }

std::string Kit::queue(std::string_view label) {
  return say("kit.", getpid(), ".", random_() % 1000000, ".", label);
}

std::string Kit::incarnation() {
  return say("kit-", getpid(), "-", random_() % 1000000, "-", ++serial_);
}

Msg Kit::message(const std::string& queue, std::string body) {
  Msg out;
  const auto ms = static_cast<std::uint64_t>(wall_now_us() / 1000);
  for (unsigned i = 0; i < 6; ++i)
    out.m.id.bytes[i] = static_cast<std::uint8_t>(ms >> (8U * (5U - i)));
  const std::uint64_t low = random_();
  std::memcpy(out.m.id.bytes + 8, &low, 8);
  out.m.id.bytes[6] = static_cast<std::uint8_t>(0x70U | ((++serial_ >> 8U) & 15U));
  out.m.id.bytes[7] = static_cast<std::uint8_t>(serial_);
  out.queue = queue;
  out.body = std::move(body);
  out.m.priority = GANDER_PRIORITY_NORMAL;
  out.m.enqueued_at_us = wall_now_us();
  return out;
}

std::vector<Msg> Kit::messages(const std::string& queue, std::size_t n) {
  std::vector<Msg> list;
  for (std::size_t i = 0; i < n; ++i) list.push_back(message(queue, say("body ", i)));
  return list;
}

std::vector<Msg> Kit::take_all(Conn& consumer, const std::string& queue, std::size_t n) {
  std::vector<Msg> all;
  for (const Patience patience; all.size() < n && patience.more();) {
    for (Msg& m : consumer.take(queue, static_cast<std::uint32_t>(n - all.size())))
      all.push_back(std::move(m));
  }
  expect(all.size() == n, "of ", n, " messages expected in the queue ", all.size(), " came");
  return all;
}

void Kit::expect_empty(Conn& consumer, const std::string& queue, std::string_view why) {
  const auto list = consumer.take(queue, 100);
  expect(list.empty(), list.size(), " message(s) came where none should: ", why);
}

}  // namespace gander::conformance
