#include <gander/admin.h>
#include <gander/sdk/ext/health.h>
#include <gander/sdk/ext/inspect.h>
#include <gander/sdk/ext/manage.h>
#include <gander/sdk/ext/migrate.h>
#include <gander/sdk/ext/reclaim.h>

#include <array>
#include <cstring>
#include <mutex>

#include "broker_handle.h"
#include "clock.h"
#include "envelope.h"
#include "text.h"

namespace gander {
namespace {

constexpr std::uint32_t kPage = 500;
constexpr std::array<std::string_view, 5> kStates = {"ready", "scheduled", "leased", "retry",
                                                     "dead"};

gander_id abi_id(const Id& id) {
  gander_id out{};
  std::memcpy(out.bytes, id.bytes().data(), sizeof(out.bytes));
  return out;
}
std::vector<gander_id> abi_ids(const std::vector<Id>& ids) {
  std::vector<gander_id> out;
  out.reserve(ids.size());
  for (const Id& id : ids) out.push_back(abi_id(id));
  return out;
}

// A body that cannot be read is shown as it is: an operator must be able to see what is stuck.
void read_body(MessageView& v) {
  try {
    Document document;
    const Reader root = document.parse(v.body, "body");
    const Envelope e = read_envelope(root);
    v.job = e.job;
    v.args = e.args.to_json();
    v.payload_version = e.payload_version;
  } catch (const Error&) {
    v.job.clear();
  }
}

MessageView view_of(const gander_message& m, gander_str cursor) {
  MessageView v;
  std::array<std::uint8_t, 16> id{};
  std::memcpy(id.data(), m.id.bytes, id.size());
  v.id = Id(id);
  v.state = static_cast<State>(m.state);
  v.queue = view(m.queue);
  v.note = view(m.note);
  v.body = view(m.body);
  v.attempts = m.attempts;
  v.crashes = m.crashes;
  v.give_backs = m.give_backs;
  v.priority = m.priority;
  v.enqueued_at = time_of(m.enqueued_at_us);
  v.run_at = time_of(m.run_at_us);
  v.first_failed_at = time_of(m.first_failed_at_us);
  v.failed_at = time_of(m.failed_at_us);
  v.cursor = view(cursor);
  read_body(v);
  return v;
}

// * any text, ? any character.
bool matches(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++t, ++p;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::string_view to_string(State state) noexcept {
  const auto i = static_cast<std::size_t>(state);
  return i >= 1 && i <= kStates.size() ? kStates[i - 1] : "unknown";
}

std::optional<State> state_from(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kStates.size(); ++i)
    if (kStates[i] == name) return static_cast<State>(i + 1);
  return std::nullopt;
}

struct Admin::Impl {
  std::shared_ptr<BrokerHandle> broker;
  std::chrono::milliseconds deadline;
  std::mutex mutex;  // one call at a time on the session
  std::unique_ptr<Session> session;

  // Calls `function(table, session, call, error)` of an extension; throws its Error.
  template <class Table, class Function>
  void call(const char* extension, const char* what, const Function& function) {
    const auto* table = static_cast<const Table*>(broker->extension(extension, what));
    const std::lock_guard lock(mutex);
    if (!session) session = broker->open(GANDER_ROLE_ADMIN, {}, {}, deadline);
    const Call limit(deadline);
    Status status;
    status.code = function(*table, session->abi(), limit.abi(), &status.error);
    if (status.reconnect()) session.reset();
    if (!status.ok()) throw error_of(status, broker->name(), what);
  }

  template <class Function>
  std::uint64_t change(const char* what, std::size_t n, const Function& function) {
    std::vector<gander_status> verdicts(n, GANDER_NOT_ATTEMPTED);
    call<gander_ext_manage>(GANDER_EXT_MANAGE, what,
                            [&](const gander_ext_manage& t, gander_session* s, const gander_call* c,
                                gander_error* e) { return function(t, s, c, verdicts.data(), e); });
    const auto done = std::count(verdicts.begin(), verdicts.end(), GANDER_OK);
    // Not "done to none of them": that is the answer where they are not there.
    if (const auto not_possible = std::count(verdicts.begin(), verdicts.end(), GANDER_UNSUPPORTED);
        not_possible > 0)
      throw Error(Code::unsupported,
                  "broker '" + broker->name() + "' cannot " + what + " for " +
                      std::to_string(not_possible) + " of " + std::to_string(n) +
                      " ids: it finds not every state by id, see its page in docs/brokers; done "
                      "for " +
                      std::to_string(done));
    return static_cast<std::uint64_t>(done);
  }

  // To the front where there is one: elsewhere it comes in its turn.
  std::uint32_t front() {
    return (broker->info().caps & GANDER_CAP_FRONT) != 0 ? GANDER_MOVE_FRONT : 0U;
  }

  std::uint64_t move(const char* what, const std::vector<Id>& ids, gander_move_req req) {
    const std::vector<gander_id> list = abi_ids(ids);
    req.struct_size = sizeof(req);
    req.count = static_cast<std::uint32_t>(list.size());
    req.ids = list.data();
    return change(what, list.size(), [&](const auto& t, auto* s, const auto* c, auto* v, auto* e) {
      return t.move(s, c, &req, v, e);
    });
  }
};

Admin::Admin(const Broker& broker, std::chrono::milliseconds deadline)
    : impl_(std::make_unique<Impl>()) {
  impl_->broker = broker.handle();
  impl_->deadline = deadline;
}
Admin::~Admin() = default;
Admin::Admin(Admin&&) noexcept = default;

std::vector<QueueStat> Admin::queues() {
  std::vector<QueueStat> all;
  const gander_queue_visitor visit = [](void* user,
                                        const gander_queue_stat* q) noexcept -> std::int32_t {
    QueueStat stat{std::string(view(q->queue)),
                   q->paused != 0,
                   q->ready,
                   q->scheduled,
                   q->leased,
                   q->retry,
                   q->dead,
                   {}};
    if (q->oldest_ready_us > 0) stat.oldest_ready = time_of(q->oldest_ready_us);
    static_cast<std::vector<QueueStat>*>(user)->push_back(std::move(stat));
    return 0;
  };
  impl_->call<gander_ext_inspect>(GANDER_EXT_INSPECT, "list queues",
                                  [&](const auto& t, auto* s, const auto* c, auto* e) {
                                    return t.queues(s, c, visit, &all, e);
                                  });
  return all;
}

namespace {
const gander_message_visitor kCollect = [](void* user, const gander_message* m,
                                           gander_str cursor) noexcept -> std::int32_t {
  static_cast<std::vector<MessageView>*>(user)->push_back(view_of(*m, cursor));
  return 0;
};
}  // namespace

std::vector<MessageView> Admin::list(State state, std::string_view queue, std::string_view after,
                                     std::uint32_t limit) {
  std::vector<MessageView> all;
  impl_->call<gander_ext_inspect>(
      GANDER_EXT_INSPECT, "list messages", [&](const auto& t, auto* s, const auto* c, auto* e) {
        return t.messages(s, c, str(queue), static_cast<std::uint32_t>(state), str(after), limit,
                          kCollect, &all, e);
      });
  return all;
}

void Admin::each(State state, std::string_view queue, std::string_view pattern,
                 const std::function<bool(const MessageView&)>& visitor) {
  std::string after;
  for (;;) {
    const std::vector<MessageView> page = list(state, queue, after, kPage);
    for (const MessageView& m : page) {
      const bool match =
          pattern.empty() || matches(m.job, pattern) || matches(m.id.to_string(), pattern);
      if (match && !visitor(m)) return;
    }
    if (page.size() < kPage) return;
    after = page.back().cursor;
  }
}

std::optional<MessageView> Admin::get(const Id& id) {
  std::vector<MessageView> all;
  const gander_id wanted = abi_id(id);
  try {
    impl_->call<gander_ext_inspect>(GANDER_EXT_INSPECT, "look up a message",
                                    [&](const auto& t, auto* s, const auto* c, auto* e) {
                                      return t.get(s, c, &wanted, kCollect, &all, e);
                                    });
  } catch (const Error& e) {
    if (e.code() != Code::not_found) throw;
  }
  if (all.empty()) return std::nullopt;
  return std::move(all.front());
}

std::uint64_t Admin::retry_now(const std::vector<Id>& ids) {
  gander_move_req req{};
  req.to_state = GANDER_STATE_READY;
  req.flags = impl_->front();
  return impl_->move("retry messages", ids, req);
}

std::uint64_t Admin::replay(const std::vector<Id>& ids) {
  gander_move_req req{};
  req.to_state = GANDER_STATE_READY;
  req.flags = impl_->front() | GANDER_MOVE_RESET_COUNTERS;
  return impl_->move("replay messages", ids, req);
}

std::uint64_t Admin::move(const std::vector<Id>& ids, std::string_view to_queue) {
  check_queue_name(to_queue);
  gander_move_req req{};
  req.to_state = GANDER_STATE_READY;
  req.to_queue = str(to_queue);
  return impl_->move("move messages", ids, req);
}

std::uint64_t Admin::kill(const std::vector<Id>& ids, std::string_view why) {
  gander_move_req req{};
  req.to_state = GANDER_STATE_DEAD;
  req.note = str(why);
  return impl_->move("kill messages", ids, req);
}

std::uint64_t Admin::remove(const std::vector<Id>& ids) {
  const std::vector<gander_id> list = abi_ids(ids);
  return impl_->change("delete messages", list.size(),
                       [&](const auto& t, auto* s, const auto* c, auto* v, auto* e) {
                         return t.remove(s, c, list.data(), list.size(), v, e);
                       });
}

std::uint64_t Admin::purge(State state, std::string_view queue,
                           std::optional<std::chrono::system_clock::time_point> before) {
  std::uint64_t n = 0;
  impl_->call<gander_ext_manage>(
      GANDER_EXT_MANAGE, "purge", [&](const auto& t, auto* s, const auto* c, auto* e) {
        return t.purge(s, c, str(queue), static_cast<std::uint32_t>(state),
                       before ? us_of(*before) : 0, &n, e);
      });
  return n;
}

void Admin::pause(std::string_view queue, bool paused) {
  check_queue_name(queue);
  impl_->call<gander_ext_manage>(GANDER_EXT_MANAGE, "pause a queue",
                                 [&](const auto& t, auto* s, const auto* c, auto* e) {
                                   return t.pause(s, c, str(queue), paused ? 1 : 0, e);
                                 });
}

std::chrono::microseconds Admin::ping() {
  std::int64_t rtt = 0;
  std::int64_t now = 0;
  impl_->call<gander_ext_health>(
      GANDER_EXT_HEALTH, "ping",
      [&](const auto& t, auto* s, const auto* c, auto* e) { return t.ping(s, c, &rtt, &now, e); });
  return std::chrono::microseconds(rtt);
}

std::vector<HealthItem> Admin::health() {
  std::vector<HealthItem> all;
  const gander_health_visitor visit = [](void* user,
                                         const gander_health_item* i) noexcept -> std::int32_t {
    const char* level = i->level >= GANDER_LOG_ERROR  ? "error"
                        : i->level == GANDER_LOG_WARN ? "warn"
                                                      : "info";
    static_cast<std::vector<HealthItem>*>(user)->push_back({level, std::string(view(i->name)),
                                                            std::string(view(i->value)),
                                                            std::string(view(i->advice))});
    return 0;
  };
  impl_->call<gander_ext_health>(GANDER_EXT_HEALTH, "report health",
                                 [&](const auto& t, auto* s, const auto* c, auto* e) {
                                   return t.report(s, c, visit, &all, e);
                                 });
  return all;
}

std::uint64_t Admin::reclaim(std::string_view incarnation) {
  std::uint64_t n = 0;
  impl_->call<gander_ext_reclaim>(GANDER_EXT_RECLAIM, "reclaim",
                                  [&](const auto& t, auto* s, const auto* c, auto* e) {
                                    return t.reclaim(s, c, str(incarnation), &n, e);
                                  });
  return n;
}

std::string Admin::migration_script() {
  std::string script;
  const gander_text_visitor visit = [](void* user, gander_str text) noexcept -> std::int32_t {
    *static_cast<std::string*>(user) += view(text);
    return 0;
  };
  impl_->call<gander_ext_migrate>(GANDER_EXT_MIGRATE, "show a migration",
                                  [&](const auto& t, auto* s, const auto* c, auto* e) {
                                    return t.script(s, c, visit, &script, e);
                                  });
  return script;
}

Migration Admin::migrate() {
  gander_migrate_res res = {sizeof(res), 0, 0, 0};
  impl_->call<gander_ext_migrate>(
      GANDER_EXT_MIGRATE, "migrate",
      [&](const auto& t, auto* s, const auto* c, auto* e) { return t.migrate(s, c, &res, e); });
  return {res.from_version, res.to_version};
}

}  // namespace gander
