// What a check is written with: the plugin opened, a host it can drive, messages as values, and
// sessions that close themselves. A check that finds a fault throws Failure.
#pragma once

#include <gander/sdk/broker.h>
#include <gander/sdk/ext/health.h>
#include <gander/sdk/ext/inspect.h>
#include <gander/sdk/ext/manage.h>
#include <gander/sdk/ext/migrate.h>
#include <gander/sdk/ext/reclaim.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gander/conformance/kit.h>

namespace gander::conformance {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Skip : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Parts>
std::string say(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}
// What holds, or the failure in words: expect(n == 3, "took ", n, " messages, not 3").
template <class... Parts>
void expect(bool holds, const Parts&... parts) {
  if (!holds) throw Failure(say(parts...));
}
std::string status_name(gander_status);
void expect_status(gander_status got, gander_status want, std::string_view what,
                   const gander_error* error = nullptr);

inline gander_str str(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view view(gander_str s) {
  return s.len == 0 ? std::string_view{} : std::string_view{s.ptr, s.len};
}

// Verdicts begin as this, so that one which was not written shows.
inline constexpr gander_status kUnwritten = 0x7EAD;

inline constexpr std::int64_t kSecond = 1'000'000;
inline constexpr std::int64_t kMillisecond = 1'000;

std::int64_t wall_now_us();

// The host that a plugin sees. Its clock stands still until the check moves it, unless `real`.
class FakeHost {
 public:
  explicit FakeHost(bool real_clock);
  const gander_host* get() const { return &host_; }
  std::int64_t now_us() const;
  void advance(std::int64_t us) { offset_us_ += us; }
  std::string logs() const;
  // From now on a call is a fault, counted.
  void end() { ended_ = true; }
  int calls_after_end() const { return late_calls_; }

 private:
  static FakeHost& of(const gander_host* h) { return *static_cast<FakeHost*>(h->host_data); }
  void touched() const;
  gander_host host_{};
  bool real_;
  std::int64_t start_us_;
  std::atomic<std::int64_t> offset_us_{0};
  std::atomic<bool> ended_{false};
  mutable std::atomic<int> late_calls_{0};
  mutable std::mutex mutex_;
  std::string logs_;
};

// A message as a value; body may hold any bytes.
struct Msg {
  gander_message m{};
  std::string queue, body, note;
  gander_message abi() const;  // points into this
  static Msg of(const gander_message&);
};
// The names of the fields that differ, receipt and state aside.
std::string difference(const Msg& got, const Msg& want);
std::string id_text(const gander_id&);
bool same_id(const gander_id&, const gander_id&);

struct Settle {
  Msg message;
  std::string from_queue;
  std::uint32_t op;
};
struct Take {
  std::string queue;
  std::uint32_t max = 1;
};
struct Exchanged {
  gander_status status = GANDER_INTERNAL;
  std::vector<gander_status> verdicts;
  std::vector<Msg> taken;
  std::int64_t next_due_us = 0;
  gander_error error{};
};

class Instance;

// One session, closed at the end of its scope.
class Conn {
 public:
  Conn(Instance&, std::uint32_t role, std::string incarnation, std::vector<std::string> queues);
  Conn(Conn&& other) noexcept : on_(other.on_), s_(std::exchange(other.s_, nullptr)) {}
  Conn(const Conn&) = delete;
  Conn& operator=(const Conn&) = delete;
  ~Conn() { close(); }
  void close();

  // Verdicts; a call that fails as a whole is a failure of the check.
  std::vector<gander_status> enqueue(const std::vector<Msg>&);
  void put(const Msg&);  // enqueue that must be OK
  Exchanged try_exchange(const std::vector<Settle>&, const std::vector<Take>&,
                         std::uint64_t max_bytes = 0);
  Exchanged exchange(const std::vector<Settle>&, const std::vector<Take>&,
                     std::uint64_t max_bytes = 0);  // must be OK
  std::vector<Msg> take(const std::string& queue, std::uint32_t max);
  gander_status settle(const Msg& delivery, std::uint32_t op);
  void ack(const Msg& delivery);  // must be OK
  gander_status wait(const std::vector<std::string>& queues, std::int64_t timeout_us);
  gander_status try_tend(gander_tend_res* = nullptr);
  gander_tend_res tend();  // must be OK
  void interrupt();
  gander_session* get() const { return s_; }
  const gander_broker_table& table() const;

 private:
  Instance* on_;
  gander_session* s_;
};

class Kit;

// One instance of the broker, destroyed at the end of its scope.
class Instance {
 public:
  explicit Instance(Kit&);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() { destroy(); }
  void destroy();
  gander_broker_info info();
  Conn producer(std::vector<std::string> queues = {});
  Conn consumer(const std::string& incarnation, std::vector<std::string> queues = {});
  Conn waiter(std::vector<std::string> queues);
  Conn tender(const std::string& incarnation);
  Conn admin();
  template <class Table>
  const Table* extension(const char* id) {
    return static_cast<const Table*>(table().get_extension(b_, id));
  }
  const gander_broker_table& table() const;
  gander_broker* get() const { return b_; }
  FakeHost& host() { return *host_; }
  // Host time moves; with a server's clock this waits for it.
  void pass(std::int64_t us);

 private:
  Kit& kit_;
  FakeHost* host_;
  gander_broker* b_ = nullptr;
};

// What one check is given.
class Kit {
 public:
  Kit(const KitOptions&, const Check&, std::uint64_t seed, std::string tmp);
  const std::string& file() const { return options_.file; }
  const std::string& tmp() const { return tmp_; }
  std::mt19937_64& random() { return random_; }
  std::int64_t patience_us() const { return options_.patience / std::chrono::microseconds(1); }
  // Lives until the process ends, so that a plugin which calls it too late is caught, not lucky.
  static FakeHost& host(bool real_clock);

  const gander_plugin* plugin();        // opens the file the first time
  const gander_component& component();  // its broker
  const gander_broker_table& table();
  std::uint64_t caps();
  gander_broker_info info();
  bool has_cap(std::uint64_t cap) { return (caps() & cap) != 0; }

  std::vector<std::pair<std::string, std::string>> options() const;  // url among them
  // create() with these options; the instance is NULL when it failed.
  gander_status create(const std::vector<std::pair<std::string, std::string>>&, FakeHost&,
                       gander_broker** out, gander_error*);

  std::string queue(std::string_view label = "q");  // a name that no other check uses
  std::string incarnation();
  Msg message(const std::string& queue, std::string body = "body");  // a fresh id
  std::vector<Msg> messages(const std::string& queue, std::size_t n);

  // Takes until `n` have come or patience has run out; fails if fewer came.
  std::vector<Msg> take_all(Conn& consumer, const std::string& queue, std::size_t n);
  void expect_empty(Conn& consumer, const std::string& queue, std::string_view why);
  void warn(const std::string& text) { warning_ = text; }
  const std::string& warning() const { return warning_; }

 private:
  const KitOptions& options_;
  std::string tmp_, word_;
  std::mt19937_64 random_;
  std::uint64_t serial_ = 0;
  const gander_plugin* plugin_ = nullptr;
  std::optional<gander_broker_info> info_;
  std::string warning_;
};

// How long a state may take to come about on a busy machine.
class Patience {
 public:
  static inline std::chrono::seconds usual{10};
  explicit Patience(std::chrono::milliseconds limit = usual)
      : end_(std::chrono::steady_clock::now() + limit) {}
  // False when it is used up; else after a moment's rest.
  bool more() const;

 private:
  std::chrono::steady_clock::time_point end_;
};

std::size_t open_files();
std::size_t live_threads();

struct CheckDef {
  Check about;
  void (*run)(Kit&);
};
std::span<const CheckDef> load_checks();
std::span<const CheckDef> config_checks();
std::span<const CheckDef> hygiene_checks();
std::span<const CheckDef> enqueue_checks();
std::span<const CheckDef> take_checks();
std::span<const CheckDef> wait_checks();
std::span<const CheckDef> settle_checks();
std::span<const CheckDef> time_checks();
std::span<const CheckDef> thread_checks();
std::span<const CheckDef> fault_checks();
std::span<const CheckDef> inspect_checks();
std::span<const CheckDef> manage_checks();
std::span<const CheckDef> random_checks();

}  // namespace gander::conformance
