// What a check speaks in: statuses, messages, the host, and what the process has open.
#include <algorithm>
#include <cstring>
#include <deque>
#include <filesystem>
#include <thread>

#include "harness.h"

namespace gander::conformance {

namespace {
constexpr const char* kStatusNames[] = {
    "OK",         "UNSUPPORTED",     "INVALID_ARGUMENT", "INVALID_STATE",
    "NOT_FOUND",  "DUPLICATE",       "LEASE_LOST",       "TOO_LARGE",
    "FULL",       "THROTTLED",       "UNAVAILABLE",      "TIMEOUT",
    "CANCELLED",  "UNAUTHENTICATED", "FORBIDDEN",        "CORRUPT",
    "NO_MEMORY",  "INTERNAL",        "CONFIG",           "NOT_ATTEMPTED",
    "JOB_FAILED", "JOB_DISCARD",     "JOB_SNOOZE"};
}  // namespace

std::string status_name(gander_status status) {
  if (status == kUnwritten) return "no verdict at all";
  const auto i = static_cast<std::size_t>(status);
  return status >= 0 && i < std::size(kStatusNames) ? kStatusNames[i]
                                                    : "unknown status " + std::to_string(status);
}

void expect_status(gander_status got, gander_status want, std::string_view what,
                   const gander_error* error) {
  if (got == want) return;
  std::string text = say(what, ": ", status_name(got), " where ", status_name(want), " is due");
  if (error != nullptr && error->message[0] != '\0')
    text += say(" (\"", std::string(error->message, strnlen(error->message, sizeof error->message)),
                "\")");
  throw Failure(text);
}

std::int64_t wall_now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool Patience::more() const {
  if (std::chrono::steady_clock::now() >= end_) return false;
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return true;
}

std::size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

std::size_t live_threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// ---- host

FakeHost::FakeHost(bool real_clock) : real_(real_clock), start_us_(wall_now_us()) {
  host_ = {sizeof(gander_host),
           GANDER_ABI,
           this,
           "gander",
           "1.0.0",
           [](const gander_host* h, const char*) noexcept -> const void* {
             of(h).touched();
             return nullptr;
           },
           [](const gander_host* h, std::int32_t) noexcept -> std::int32_t {
             of(h).touched();
             return 1;
           },
           [](const gander_host* h, std::int32_t, gander_str text, const gander_kv* fields,
              std::size_t n) noexcept {
             FakeHost& self = of(h);
             self.touched();
             const std::lock_guard lock(self.mutex_);
             self.logs_.append(view(text)).append("\n");
             for (std::size_t i = 0; i < n; ++i)
               self.logs_.append(view(fields[i].key)).append("=").append(view(fields[i].value));
           },
           [](const gander_host* h) noexcept -> std::int64_t {
             of(h).touched();
             return of(h).now_us();
           }};
}

std::int64_t FakeHost::now_us() const { return (real_ ? wall_now_us() : start_us_) + offset_us_; }

void FakeHost::touched() const {
  if (ended_) ++late_calls_;
}

std::string FakeHost::logs() const {
  const std::lock_guard lock(mutex_);
  return logs_;
}

// ---- messages

gander_message Msg::abi() const {
  gander_message out = m;
  out.queue = str(queue);
  out.body = {body.data(), body.size()};
  out.note = str(note);
  return out;
}

Msg Msg::of(const gander_message& from) {
  Msg out{from, std::string(view(from.queue)), {}, std::string(view(from.note))};
  if (from.body.len > 0) out.body.assign(static_cast<const char*>(from.body.ptr), from.body.len);
  return out;
}

std::string difference(const Msg& got, const Msg& want) {
  std::string fields;
  const auto compare = [&](const char* name, const auto& a, const auto& b) {
    if (a != b) fields += std::string(fields.empty() ? "" : ", ") + name;
  };
  compare("id", id_text(got.m.id), id_text(want.m.id));
  compare("queue", got.queue, want.queue);
  compare("body", got.body, want.body);
  compare("note", got.note, want.note);
  compare("enqueued_at_us", got.m.enqueued_at_us, want.m.enqueued_at_us);
  compare("run_at_us", got.m.run_at_us, want.m.run_at_us);
  compare("first_failed_at_us", got.m.first_failed_at_us, want.m.first_failed_at_us);
  compare("failed_at_us", got.m.failed_at_us, want.m.failed_at_us);
  compare("attempts", got.m.attempts, want.m.attempts);
  compare("crashes", got.m.crashes, want.m.crashes);
  compare("give_backs", got.m.give_backs, want.m.give_backs);
  compare("priority", got.m.priority, want.m.priority);
  return fields;
}

std::string id_text(const gander_id& id) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : id.bytes) out += {kHex[byte >> 4U], kHex[byte & 15U]};
  return out;
}

bool same_id(const gander_id& a, const gander_id& b) {
  return std::memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

}  // namespace gander::conformance
