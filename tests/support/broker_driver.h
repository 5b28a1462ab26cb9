// A broker plugin as the file it ships as, driven through its C ABI by a small host whose clock the
// test sets. Which file: GANDER_TEST_PLUGIN.
#pragma once

#include <dlfcn.h>
#include <gander/sdk/broker.h>
#include <gander/sdk/ext/health.h>
#include <gander/sdk/ext/inspect.h>
#include <gander/sdk/ext/manage.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace gander::test {

inline std::string_view view(gander_str s) { return {s.ptr, s.len}; }
inline std::string_view view(gander_bytes b) { return {static_cast<const char*>(b.ptr), b.len}; }
inline gander_str str(std::string_view s) { return {s.data(), s.size()}; }
inline gander_bytes bytes(std::string_view s) { return {s.data(), s.size()}; }

struct FakeHost {
  FakeHost() {
    table.struct_size = sizeof table;
    table.abi = GANDER_ABI;
    table.host_data = this;
    table.name = "test";
    table.version = "1.0.0";
    table.get_extension = [](const gander_host*, const char*) noexcept -> const void* {
      return nullptr;
    };
    table.log_enabled = [](const gander_host* h, std::int32_t level) noexcept -> std::int32_t {
      const auto& self = *static_cast<FakeHost*>(h->host_data);
      return level >= GANDER_LOG_WARN || self.prints ? 1 : 0;
    };
    table.log = [](const gander_host* h, std::int32_t level, gander_str text, const gander_kv*,
                   std::size_t) noexcept {
      auto& self = *static_cast<FakeHost*>(h->host_data);
      if (self.prints) std::fprintf(stderr, "%.*s\n", static_cast<int>(text.len), text.ptr);
      if (level < GANDER_LOG_WARN) return;
      const std::lock_guard lock(self.mutex);
      self.warnings.emplace_back(view(text));
    };
    table.now_us = [](const gander_host* h) noexcept {
      return static_cast<FakeHost*>(h->host_data)->now_us.load();
    };
  }
  // What was logged as a warning or worse and has `what` in it.
  std::vector<std::string> warnings_of(std::string_view what) {
    const std::lock_guard lock(mutex);
    std::vector<std::string> found;
    for (const std::string& line : warnings)
      if (line.find(what) != std::string::npos) found.push_back(line);
    return found;
  }
  gander_host table{};
  std::atomic<std::int64_t> now_us{1'000'000'000'000'000};
  const bool prints = std::getenv("GANDER_TEST_LOG") != nullptr;  // all of it, for whoever debugs
  std::mutex mutex;
  std::vector<std::string> warnings;
};

struct Call : gander_call {
  explicit Call(std::chrono::microseconds limit = std::chrono::seconds(10))
      : gander_call{sizeof(gander_call), 0, limit.count(), {nullptr, 0}} {}
};

struct Failure : std::runtime_error {
  explicit Failure(const gander_error& e) : std::runtime_error(e.message), error(e) {}
  gander_error error;
};

inline gander_error blank_error() {
  gander_error e{};
  e.struct_size = sizeof e;
  return e;
}

inline void must(gander_status status, const gander_error& e) {
  if (status != GANDER_OK) throw Failure(e);
}

inline const gander_plugin* plugin() {
  static const auto* loaded = [] {
    void* file = dlopen(GANDER_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (file == nullptr) throw std::runtime_error(dlerror());
    using Entry = const gander_plugin* (*)(std::uint32_t);
    return reinterpret_cast<Entry>(dlsym(file, "gander_plugin_v1"))(GANDER_ABI);
  }();
  return loaded;
}
inline const gander_broker_table& table() {
  return *static_cast<const gander_broker_table*>(plugin()->components[0].table);
}

// A message that owns what it points to.
struct Message {
  std::string queue = "default", body = "{}", note;
  gander_message m{};

  const gander_message& abi() {
    m.queue = str(queue);
    m.body = bytes(body);
    m.note = str(note);
    return m;
  }
};

inline gander_id id_of(std::uint64_t n) {
  gander_id id{};
  for (unsigned i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id;
}
inline std::uint64_t number_of(const gander_id& id) {
  std::uint64_t n = 0;
  for (unsigned i = 8; i < 16; ++i) n = n << 8U | id.bytes[i];
  return n;
}
inline Message message(std::uint64_t n, std::string queue = "default") {
  Message made;
  made.m.id = id_of(n);
  made.queue = std::move(queue);
  made.m.priority = GANDER_PRIORITY_NORMAL;
  return made;
}

// Deliveries, released with this object.
class Taken {
 public:
  explicit Taken(gander_batch* batch = nullptr, std::int64_t due = 0) : batch_(batch), due_(due) {}
  Taken(Taken&& other) noexcept : batch_(other.batch_), due_(other.due_) { other.batch_ = nullptr; }
  Taken& operator=(Taken&& other) noexcept {
    std::swap(batch_, other.batch_);
    std::swap(due_, other.due_);
    return *this;
  }
  ~Taken() {
    if (batch_ != nullptr) batch_->release(batch_);
  }
  [[nodiscard]] std::size_t size() const { return batch_ == nullptr ? 0 : batch_->count; }
  [[nodiscard]] const gander_message& operator[](std::size_t i) const {
    return *GANDER_AT(gander_message, batch_->items, batch_->item_size, i);
  }
  [[nodiscard]] std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> all;
    for (std::size_t i = 0; i < size(); ++i) all.push_back(number_of((*this)[i].id));
    return all;
  }
  [[nodiscard]] std::int64_t next_due_us() const { return due_; }

 private:
  gander_batch* batch_;
  std::int64_t due_;
};

struct Settle {
  std::uint32_t op;
  gander_message message;
};

class Session {
 public:
  explicit Session(gander_session* raw) : raw_(raw) {}
  [[nodiscard]] gander_session* raw() const { return raw_.get(); }
  void close() { raw_.reset(); }

  std::vector<gander_status> enqueue(std::vector<Message> messages, const Call& call = Call()) {
    std::vector<gander_message> items;
    for (auto& each : messages) items.push_back(each.abi());
    const gander_enqueue_req req{sizeof req, sizeof(gander_message),
                                 static_cast<std::uint32_t>(items.size()), 0, items.data()};
    std::vector<gander_status> verdicts(items.size(), GANDER_INTERNAL);
    gander_error e = blank_error();
    must(table().enqueue(raw(), &call, &req, verdicts.data(), &e), e);
    return verdicts;
  }

  Taken exchange(const std::vector<Settle>& settles, const std::vector<std::string>& queues,
                 std::uint32_t max, std::vector<gander_status>* verdicts = nullptr,
                 std::uint64_t max_bytes = 0) {
    std::vector<gander_settle> items;
    for (const auto& s : settles) items.push_back({&s.message, s.message.queue, s.op, 0});
    std::vector<gander_take> takes;
    for (const auto& q : queues) takes.push_back({str(q), max, 0});
    const gander_exchange_req req{sizeof req,
                                  sizeof(gander_settle),
                                  static_cast<std::uint32_t>(items.size()),
                                  sizeof(gander_take),
                                  static_cast<std::uint32_t>(takes.size()),
                                  0,
                                  items.data(),
                                  takes.data(),
                                  max_bytes};
    std::vector<gander_status> own(items.size(), GANDER_INTERNAL);
    gander_exchange_res res{};
    res.struct_size = sizeof res;
    gander_error e = blank_error();
    const Call call;
    must(table().exchange(raw(), &call, &req, own.data(), &res, &e), e);
    if (verdicts != nullptr) *verdicts = own;
    return Taken(res.taken, res.next_due_us);
  }
  Taken take(std::uint32_t max, const std::string& queue = "default") {
    return exchange({}, {queue}, max);
  }
  gander_status settle(std::uint32_t op, const gander_message& m) {
    std::vector<gander_status> verdicts;
    exchange({{op, m}}, {}, 0, &verdicts);
    return verdicts.at(0);
  }

  gander_tend_res tend(const Call& call = Call()) {
    gander_tend_res res{};
    res.struct_size = sizeof res;
    gander_error e = blank_error();
    must(table().tend(raw(), &call, &res, &e), e);
    return res;
  }
  gander_status wait(std::chrono::microseconds limit, const std::string& queue = "default") {
    const Call call(limit);
    const gander_str name = str(queue);
    gander_error e = blank_error();
    return table().wait(raw(), &call, &name, 1, &e);
  }
  void interrupt() { table().interrupt(raw()); }

 private:
  struct Close {
    void operator()(gander_session* s) const { table().close_session(s); }
  };
  std::unique_ptr<gander_session, Close> raw_;
};

class Broker {
 public:
  Broker(FakeHost& host, const std::map<std::string, std::string>& options) {
    std::vector<gander_kv> kvs;
    for (const auto& [key, value] : options) kvs.push_back({str(key), str(value)});
    gander_error e = blank_error();
    gander_broker* raw = nullptr;
    must(table().create(&host.table, kvs.data(), kvs.size(), &raw, &e), e);
    raw_.reset(raw);
  }
  Session open(std::uint32_t role, const std::string& incarnation = "", const Call& call = Call()) {
    gander_session_opts opts{};
    opts.struct_size = sizeof opts;
    opts.role = role;
    opts.incarnation = str(incarnation);
    gander_session* session = nullptr;
    gander_error e = blank_error();
    must(table().open_session(raw_.get(), &call, &opts, &session, &e), e);
    return Session(session);
  }
  template <class Table>
  const Table& extension(const char* id) {
    return *static_cast<const Table*>(table().get_extension(raw_.get(), id));
  }
  [[nodiscard]] gander_broker* raw() const { return raw_.get(); }

 private:
  struct Destroy {
    void operator()(gander_broker* b) const { table().destroy(b); }
  };
  std::unique_ptr<gander_broker, Destroy> raw_;
};

}  // namespace gander::test
