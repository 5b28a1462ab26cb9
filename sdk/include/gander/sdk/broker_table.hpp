// gander/sdk/broker_table.hpp -- the eleven functions and the extension tables over Broker and
// Session. Included by broker.hpp; the one place where a broker's C++ meets the C ABI.
#pragma once

#include <gander/sdk/broker.hpp>

namespace gander::sdk {

namespace detail {

inline constexpr std::size_t kMaxQueueName = 200;
inline constexpr std::size_t kMaxIncarnation = 100;

struct BrokerBox {
  std::unique_ptr<Broker> broker;
};
// What the host knows as gander_session: the author's session and the scratch lists of its calls.
struct SessionBox {
  std::unique_ptr<Session> session;
  std::uint64_t caps = 0, max_body = 0;
  std::vector<const gander_message*> messages;
  std::vector<const gander_settle*> settles;
  std::vector<const gander_take*> takes;
  std::vector<std::size_t> places;
  std::vector<gander_status> verdicts;
};

inline BrokerBox& box(gander_broker* b) { return *reinterpret_cast<BrokerBox*>(b); }
inline SessionBox& box(gander_session* s) { return *reinterpret_cast<SessionBox*>(s); }

[[noreturn]] inline void refuse(const std::string& text) {
  throw Error(GANDER_INVALID_ARGUMENT, text);
}
inline void no_flags(std::uint32_t flags, const char* what) {
  if (flags != 0) refuse(std::string(what) + ": unknown flag bits " + std::to_string(flags));
}

inline bool good_queue_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxQueueName &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}
inline bool good_incarnation(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxIncarnation &&
         std::all_of(name.begin(), name.end(), good);
}

inline gander_status first_look(const gander_message& m, const SessionBox& b) {
  if ((m.flags & ~GANDER_MESSAGE_FRONT) != 0 || m.priority > GANDER_PRIORITY_LOW)
    return GANDER_INVALID_ARGUMENT;
  if (!good_queue_name(view(m.queue))) return GANDER_INVALID_ARGUMENT;
  // Refused where it is not declared, and not ignored (GBC-012).
  if (m.flags != 0 && (b.caps & GANDER_CAP_FRONT) == 0) return GANDER_UNSUPPORTED;
  return m.body.len > b.max_body ? GANDER_TOO_LARGE : GANDER_OK;
}

inline gander_status enqueue(gander_session* s, const gander_call* call,
                             const gander_enqueue_req* req, gander_status* verdicts,
                             gander_error* error) noexcept {
  return guard(
      error,
      [&] {
        SessionBox& b = box(s);
        no_flags(req->flags, "enqueue");
        b.messages.clear();
        b.places.clear();
        for (std::size_t i = 0; i < req->count; ++i) {
          const gander_message* m = GANDER_AT(gander_message, req->items, req->item_size, i);
          verdicts[i] = first_look(*m, b);
          if (verdicts[i] != GANDER_OK) continue;
          b.messages.push_back(m);
          b.places.push_back(i);
        }
        if (b.messages.empty()) return gander_status{GANDER_OK};
        b.verdicts.assign(b.messages.size(), GANDER_NOT_ATTEMPTED);
        b.session->enqueue(b.messages, b.verdicts, Deadline(call));
        for (std::size_t k = 0; k < b.places.size(); ++k) verdicts[b.places[k]] = b.verdicts[k];
        return gander_status{GANDER_OK};
      },
      GANDER_ERROR_MAYBE_APPLIED);
}

inline void read_exchange(SessionBox& b, const gander_exchange_req* req) {
  no_flags(req->flags, "exchange");
  b.settles.clear();
  b.takes.clear();
  for (std::size_t i = 0; i < req->settle_count; ++i) {
    const gander_settle* s = GANDER_AT(gander_settle, req->settles, req->settle_size, i);
    no_flags(s->flags, "settle");
    if (s->op < GANDER_SETTLE_ACK || s->op > GANDER_SETTLE_SNOOZE) refuse("settle: unknown op");
    b.settles.push_back(s);
  }
  for (std::size_t i = 0; i < req->take_count; ++i) {
    const gander_take* t = GANDER_AT(gander_take, req->takes, req->take_size, i);
    no_flags(t->flags, "take");
    b.takes.push_back(t);
  }
}

inline gander_status exchange(gander_session* s, const gander_call* call,
                              const gander_exchange_req* req, gander_status* verdicts,
                              gander_exchange_res* res, gander_error* error) noexcept {
  return guard(
      error,
      [&] {
        SessionBox& b = box(s);
        read_exchange(b, req);
        std::fill_n(verdicts, req->settle_count, GANDER_NOT_ATTEMPTED);
        Taken taken = b.session->exchange(
            {b.settles, Verdicts{verdicts, req->settle_count}, b.takes, req->max_bytes},
            Deadline(call));
        res->next_due_us = taken.next_due_us;
        res->taken = Batch::give(std::move(taken.batch));
        return gander_status{GANDER_OK};
      },
      GANDER_ERROR_MAYBE_APPLIED);
}

inline gander_status wait(gander_session* s, const gander_call* call, const gander_str* queues,
                          std::size_t n, gander_error* error) noexcept {
  return guard(error, [&]() -> gander_status {
    switch (box(s).session->wait({queues, n}, Deadline(call))) {
      case Waited::arrived: return GANDER_OK;
      case Waited::timeout: return GANDER_TIMEOUT;
      case Waited::cancelled: return GANDER_CANCELLED;
    }
    return GANDER_INTERNAL;
  });
}

inline gander_status tend(gander_session* s, const gander_call* call, gander_tend_res* res,
                          gander_error* error) noexcept {
  return guard(error, [&] {
    const gander_tend_res done = box(s).session->tend(Deadline(call));
    res->again_in_us = done.again_in_us;
    res->promoted = done.promoted;
    res->reclaimed = done.reclaimed;
    res->trimmed = done.trimmed;
    return gander_status{GANDER_OK};
  });
}

inline gander_status open_session(gander_broker* broker, const gander_call* call,
                                  const gander_session_opts* opts, gander_session** out,
                                  gander_error* error) noexcept {
  return guard(error, [&] {
    if (opts->role < GANDER_ROLE_PRODUCE || opts->role > GANDER_ROLE_ADMIN)
      refuse("open_session: unknown role");
    const std::string_view incarnation = view(opts->incarnation);
    const bool needed = opts->role == GANDER_ROLE_CONSUME || opts->role == GANDER_ROLE_TEND;
    if (needed && !good_incarnation(incarnation))
      refuse("open_session: an incarnation is 1 to 100 characters of [A-Za-z0-9._:-]");
    auto session = std::make_unique<SessionBox>();
    const Deadline deadline(call);
    session->session = box(broker).broker->open(
        {opts->role, incarnation, {opts->queues, opts->n_queues}}, deadline);
    const gander_broker_info info = box(broker).broker->info(deadline);
    session->caps = info.caps;
    session->max_body = info.max_body;
    *out = reinterpret_cast<gander_session*>(session.release());
    return gander_status{GANDER_OK};
  });
}

template <class Visitor>
auto visit_with(Visitor visitor, void* user) {
  return [visitor, user](const auto&... shown) { return visitor(user, &shown...) == 0; };
}
inline MessageVisitor message_visitor(gander_message_visitor visitor, void* user) {
  return [visitor, user](const gander_message& m, std::string_view cursor) {
    return visitor(user, &m, str(cursor)) == 0;
  };
}

inline const gander_ext_inspect* inspect_table() {
  static const gander_ext_inspect table = {
      sizeof(gander_ext_inspect), 0,
      [](gander_session* s, const gander_call* call, gander_queue_visitor v, void* user,
         gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          box(s).session->queues(visit_with(v, user), Deadline(call));
          return GANDER_OK;
        });
      },
      [](gander_session* s, const gander_call* call, gander_str queue, std::uint32_t state,
         gander_str after, std::uint32_t limit, gander_message_visitor v, void* user,
         gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          if (state < GANDER_STATE_READY || state > GANDER_STATE_DEAD)
            refuse("messages: unknown state");
          box(s).session->messages(view(queue), state, view(after), limit, message_visitor(v, user),
                                   Deadline(call));
          return GANDER_OK;
        });
      },
      [](gander_session* s, const gander_call* call, const gander_id* id, gander_message_visitor v,
         void* user, gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          box(s).session->get(*id, message_visitor(v, user), Deadline(call));
          return GANDER_OK;
        });
      }};
  return &table;
}

inline const gander_ext_manage* manage_table() {
  static const gander_ext_manage table = {
      sizeof(gander_ext_manage),
      0,
      [](gander_session* s, const gander_call* call, gander_str queue, std::int32_t paused,
         gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          if (!good_queue_name(view(queue))) refuse("pause: not a queue name");
          box(s).session->pause(view(queue), paused != 0, Deadline(call));
          return GANDER_OK;
        });
      },
      [](gander_session* s, const gander_call* call, gander_str queue, std::uint32_t state,
         std::int64_t before_us, std::uint64_t* n, gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          if (state == GANDER_STATE_LEASED)
            throw Error(GANDER_INVALID_STATE, "purge: leased messages belong to their workers");
          if (state < GANDER_STATE_READY || state > GANDER_STATE_DEAD)
            refuse("purge: unknown state");
          try {
            *n = box(s).session->purge(view(queue), state, before_us, Deadline(call));
          } catch (const PartlyDone& cut_short) {
            *n = cut_short.done();
            throw;
          }
          return GANDER_OK;
        });
      },
      [](gander_session* s, const gander_call* call, const gander_move_req* req,
         gander_status* verdicts, gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          no_flags(req->flags & ~(GANDER_MOVE_FRONT | GANDER_MOVE_RESET_COUNTERS), "move");
          if ((req->flags & GANDER_MOVE_FRONT) != 0 && (box(s).caps & GANDER_CAP_FRONT) == 0)
            throw Error(GANDER_UNSUPPORTED,
                        "move: no queue of this broker has a front; leave GANDER_MOVE_FRONT out");
          if (req->to_state != GANDER_STATE_READY && req->to_state != GANDER_STATE_SCHEDULED &&
              req->to_state != GANDER_STATE_DEAD)
            refuse("move: to_state is READY, SCHEDULED or DEAD");
          if (req->to_queue.len != 0 && !good_queue_name(view(req->to_queue)))
            refuse("move: not a queue name");
          std::fill_n(verdicts, req->count, GANDER_NOT_ATTEMPTED);
          box(s).session->move(*req, {verdicts, req->count}, Deadline(call));
          return GANDER_OK;
        });
      },
      [](gander_session* s, const gander_call* call, const gander_id* ids, std::size_t n,
         gander_status* verdicts, gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          std::fill_n(verdicts, n, GANDER_NOT_ATTEMPTED);
          box(s).session->remove({ids, n}, {verdicts, n}, Deadline(call));
          return GANDER_OK;
        });
      }};
  return &table;
}

inline const gander_ext_health* health_table() {
  static const gander_ext_health table = {
      sizeof(gander_ext_health), 0,
      [](gander_session* s, const gander_call* call, std::int64_t* rtt_us, std::int64_t* now_us,
         gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          const auto start = std::chrono::steady_clock::now();
          *now_us = box(s).session->ping(Deadline(call));
          *rtt_us = std::chrono::duration_cast<std::chrono::microseconds>(
                        std::chrono::steady_clock::now() - start)
                        .count();
          return GANDER_OK;
        });
      },
      [](gander_session* s, const gander_call* call, gander_health_visitor v, void* user,
         gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          box(s).session->report(visit_with(v, user), Deadline(call));
          return GANDER_OK;
        });
      }};
  return &table;
}

inline const gander_ext_migrate* migrate_table() {
  static const gander_ext_migrate table = {
      sizeof(gander_ext_migrate), 0,
      [](gander_session* s, const gander_call* call, gander_text_visitor v, void* user,
         gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          const std::string text = box(s).session->migration_script(Deadline(call));
          if (!text.empty()) v(user, str(text));
          return GANDER_OK;
        });
      },
      [](gander_session* s, const gander_call* call, gander_migrate_res* res,
         gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          const gander_migrate_res done = box(s).session->migrate(Deadline(call));
          res->from_version = done.from_version;
          res->to_version = done.to_version;
          return GANDER_OK;
        });
      }};
  return &table;
}

inline const gander_ext_reclaim* reclaim_table() {
  static const gander_ext_reclaim table = {
      sizeof(gander_ext_reclaim), 0,
      [](gander_session* s, const gander_call* call, gander_str incarnation, std::uint64_t* n,
         gander_error* e) noexcept {
        return guard(e, [&]() -> gander_status {
          *n = box(s).session->reclaim(view(incarnation), Deadline(call));
          return GANDER_OK;
        });
      }};
  return &table;
}

inline const void* get_extension(gander_broker* broker, const char* id) noexcept {
  const std::string_view name(id);
  if (!box(broker).broker->has_extension(name)) return nullptr;
  if (name == GANDER_EXT_INSPECT) return inspect_table();
  if (name == GANDER_EXT_MANAGE) return manage_table();
  if (name == GANDER_EXT_HEALTH) return health_table();
  if (name == GANDER_EXT_MIGRATE) return migrate_table();
  if (name == GANDER_EXT_RECLAIM) return reclaim_table();
  return nullptr;
}

}  // namespace detail

// The table of a broker class that is constructed from (Host, const Options&).
template <class Type, std::size_t N>
gander_broker_table broker_table(const OptionSpec (&specs)[N]) {
  static std::span<const OptionSpec> options;
  options = specs;
  return {sizeof(gander_broker_table),
          0,
          [](const gander_host* host, const gander_kv* given, std::size_t n, gander_broker** out,
             gander_error* error) noexcept {
            return guard(error, [&]() -> gander_status {
              auto made = std::make_unique<detail::BrokerBox>();
              made->broker = std::make_unique<Type>(Host(host), Options(options, {given, n}));
              *out = reinterpret_cast<gander_broker*>(made.release());
              return GANDER_OK;
            });
          },
          [](gander_broker* b) noexcept { delete &detail::box(b); },
          [](gander_broker* b, const gander_call* call, gander_broker_info* out,
             gander_error* error) noexcept {
            return guard(error, [&]() -> gander_status {
              const std::uint32_t size = out->struct_size;
              const gander_broker_info info = detail::box(b).broker->info(Deadline(call));
              std::memcpy(out, &info, std::min<std::size_t>(size, sizeof(info)));
              out->struct_size = size;
              return GANDER_OK;
            });
          },
          detail::get_extension,
          detail::open_session,
          [](gander_session* s) noexcept { delete &detail::box(s); },
          detail::enqueue,
          detail::exchange,
          detail::wait,
          detail::tend,
          [](gander_session* s) noexcept { detail::box(s).session->interrupt(); }};
}

}  // namespace gander::sdk
