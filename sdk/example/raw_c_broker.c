/* A whole broker in C against the tables alone: what plugin.hpp and broker.hpp do for C++ is done
 * by hand here. One list of messages under one mutex: short to read, slow when many wait. */
#include "raw_c_store.h"

#include "memory_c_schema.h"

/* ---- create, destroy, info */

static gander_status create(const gander_host* host, const gander_kv* options, size_t n,
                            gander_broker** out, gander_error* error) {
  for (size_t i = 0; i < n; ++i)
    if (!same(options[i].key, (gander_str){"url", 3}))
      return fail(error, GANDER_CONFIG, "the only option is url; unknown is ", options[i].key);
  broker* b = calloc(1, sizeof *b);
  if (b == NULL) return fail(error, GANDER_NO_MEMORY, "out of memory", none());
  b->host = host;
  b->list.prev = b->list.next = &b->list;
  pthread_mutex_init(&b->mutex, NULL);
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&b->arrived, &clock);
  pthread_condattr_destroy(&clock);
  *out = (gander_broker*)(void*)b;
  return GANDER_OK;
}

static void destroy(gander_broker* gone) {
  broker* b = to_broker(gone);
  for (message* x = b->list.next; x != &b->list;) {
    message* next = x->next;
    free(x);
    x = next;
  }
  pthread_cond_destroy(&b->arrived);
  pthread_mutex_destroy(&b->mutex);
  free(b);
}

static gander_status info(gander_broker* b, const gander_call* call, gander_broker_info* out,
                          gander_error* error) {
  (void)b, (void)call, (void)error;
  gander_broker_info all = {out->struct_size, kMaxBatch, 0, kMaxBody, 0, "memory in C 1.0"};
  all.caps = GANDER_CAP_SCHEDULE | GANDER_CAP_PRIORITY | GANDER_CAP_FRONT | GANDER_CAP_IDEMPOTENT |
             GANDER_CAP_ORDERED | GANDER_CAP_WAIT;
  memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
  return GANDER_OK;
}

static const void* get_extension(gander_broker* b, const char* id) {
  (void)b, (void)id;
  return NULL;
}

/* ---- sessions */

static int is_open(const broker* b, const char* incarnation) {
  for (const session* s = b->sessions; s != NULL; s = s->next)
    if (s->role == GANDER_ROLE_CONSUME && strcmp(s->incarnation, incarnation) == 0) return 1;
  return 0;
}

static gander_status open_session(gander_broker* on, const gander_call* call,
                                  const gander_session_opts* o, gander_session** out,
                                  gander_error* error) {
  (void)call;
  broker* b = to_broker(on);
  if (o->role < GANDER_ROLE_PRODUCE || o->role > GANDER_ROLE_ADMIN)
    return fail(error, GANDER_INVALID_ARGUMENT, "open_session: unknown role", none());
  const int named = o->role == GANDER_ROLE_CONSUME || o->role == GANDER_ROLE_TEND;
  if (named && !good_incarnation(o->incarnation))
    return fail(error, GANDER_INVALID_ARGUMENT, "open_session: bad incarnation ", o->incarnation);
  session* s = calloc(1, sizeof *s);
  if (s == NULL) return fail(error, GANDER_NO_MEMORY, "out of memory", none());
  s->on = b;
  s->role = o->role;
  if (named) memcpy(s->incarnation, o->incarnation.ptr, o->incarnation.len);
  pthread_mutex_lock(&b->mutex);
  if (o->role == GANDER_ROLE_CONSUME && is_open(b, s->incarnation)) {
    pthread_mutex_unlock(&b->mutex);
    free(s);
    return fail(error, GANDER_INVALID_STATE, "a session is open already of ", o->incarnation);
  }
  if (o->role == GANDER_ROLE_CONSUME) s->owner = ++b->owners;
  s->seen = b->arrivals;
  s->next = b->sessions;
  b->sessions = s;
  pthread_mutex_unlock(&b->mutex);
  *out = (gander_session*)(void*)s;
  return GANDER_OK;
}

static void close_session(gander_session* closed) {
  session* s = to_session(closed);
  broker* b = s->on;
  pthread_mutex_lock(&b->mutex);
  session** link = &b->sessions;
  while (*link != s) link = &(*link)->next;
  *link = s->next;
  /* From the last to the first, so that the first ends foremost. */
  for (message *x = b->list.prev, *prev = x->prev; s->owner != 0 && x != &b->list;
       x = prev, prev = x->prev) {
    if (x->owner != s->owner) continue;
    ++x->m.give_backs;
    unlink_message(x);
    make_ready(b, x, 1);
  }
  pthread_cond_broadcast(&b->arrived);
  pthread_mutex_unlock(&b->mutex);
  free(s);
}

/* ---- enqueue */

static gander_status store(broker* b, const gander_message* m, int64_t now) {
  if (find(b, m->id) != NULL) return GANDER_DUPLICATE;
  message* x = copy_of(m);
  if (x == NULL) return GANDER_FULL;
  if (m->run_at_us <= now) {
    make_ready(b, x, (m->flags & GANDER_MESSAGE_FRONT) != 0);
  } else {
    x->m.state = GANDER_STATE_SCHEDULED;
    link_before(x, &b->list);
  }
  return GANDER_OK;
}

static gander_status enqueue(gander_session* on, const gander_call* call,
                             const gander_enqueue_req* req, gander_status* verdicts,
                             gander_error* error) {
  (void)call;
  broker* b = to_session(on)->on;
  if (req->flags != 0) return fail(error, GANDER_INVALID_ARGUMENT, "enqueue: unknown flag", none());
  pthread_mutex_lock(&b->mutex);
  const int64_t now = b->host->now_us(b->host);
  for (uint32_t i = 0; i < req->count; ++i) {
    const gander_message* m = GANDER_AT(gander_message, req->items, req->item_size, i);
    if ((m->flags & ~GANDER_MESSAGE_FRONT) != 0 || m->priority > GANDER_PRIORITY_LOW ||
        !good_queue(m->queue))
      verdicts[i] = GANDER_INVALID_ARGUMENT;
    else
      verdicts[i] = m->body.len > kMaxBody ? GANDER_TOO_LARGE : store(b, m, now);
  }
  pthread_cond_broadcast(&b->arrived);
  pthread_mutex_unlock(&b->mutex);
  return GANDER_OK;
}

/* ---- exchange */

static gander_status settle(broker* b, uint64_t owner, const gander_settle* s, int64_t now) {
  message* x = find(b, s->message->id);
  if (x == NULL || x->owner != owner || x->m.receipt[0] != s->message->receipt[0])
    return GANDER_LEASE_LOST;
  if (s->op == GANDER_SETTLE_ACK) {
    unlink_message(x);
    free(x);
    return GANDER_OK;
  }
  message* successor = copy_of(s->message);
  if (successor == NULL) return GANDER_NOT_ATTEMPTED; /* it stays leased, and can be settled yet */
  unlink_message(x);
  free(x);
  const int later = s->op == GANDER_SETTLE_RETRY || s->op == GANDER_SETTLE_SNOOZE;
  if (s->op == GANDER_SETTLE_GIVE_BACK || (later && successor->m.run_at_us <= now)) {
    make_ready(b, successor, 1);
    return GANDER_OK;
  }
  successor->m.state = s->op == GANDER_SETTLE_DEAD    ? GANDER_STATE_DEAD
                       : s->op == GANDER_SETTLE_RETRY ? GANDER_STATE_RETRY
                                                      : GANDER_STATE_SCHEDULED;
  link_before(successor, &b->list);
  return GANDER_OK;
}

typedef struct taken {
  gander_batch batch;
  gander_message* items;
  uint32_t room;
  uint64_t bytes;
} taken;

static void release(gander_batch* batch) {
  taken* t = batch->plugin_data;
  for (uint32_t i = 0; i < t->batch.count; ++i) free((void*)(uintptr_t)t->items[i].queue.ptr);
  free(t->items);
  free(t);
}

/* A delivery's texts lie in one block that begins with its queue. */
static int add(taken* t, const gander_message* m) {
  if (t->batch.count == t->room) {
    const uint32_t room = t->room == 0 ? 16 : t->room * 2;
    gander_message* more = realloc(t->items, room * sizeof *more);
    if (more == NULL) return 0;
    t->items = more;
    t->room = room;
  }
  char* to = malloc(m->queue.len + m->body.len + m->note.len);
  if (to == NULL) return 0;
  gander_message* copy = &t->items[t->batch.count++];
  *copy = *m;
  copy->queue.ptr = memcpy(to, m->queue.ptr, m->queue.len);
  copy->body.ptr = memcpy(to + m->queue.len, m->body.ptr, m->body.len);
  copy->note.ptr = memcpy(to + m->queue.len + m->body.len, m->note.ptr, m->note.len);
  t->bytes += m->body.len;
  return 1;
}

static void take(broker* b, uint64_t owner, const gander_take* k, uint64_t max_bytes, taken* t) {
  uint32_t n = 0;
  for (uint32_t priority = GANDER_PRIORITY_HIGH; priority <= GANDER_PRIORITY_LOW; ++priority) {
    for (message* x = b->list.next; x != &b->list && n < k->max_messages; x = x->next) {
      if (x->m.state != GANDER_STATE_READY || x->m.priority != priority ||
          !same(x->m.queue, k->queue))
        continue;
      if (max_bytes > 0 && t->batch.count > 0 && t->bytes + x->m.body.len > max_bytes) return;
      x->m.state = GANDER_STATE_LEASED;
      x->m.receipt[0] = ++b->receipts;
      if (!add(t, &x->m)) {
        x->m.state = GANDER_STATE_READY;
        return;
      }
      x->owner = owner;
      ++n;
    }
  }
}

static int64_t next_due(const broker* b, const gander_exchange_req* req) {
  int64_t next = 0;
  for (const message* x = b->list.next; x != &b->list; x = x->next) {
    if (x->m.state != GANDER_STATE_SCHEDULED && x->m.state != GANDER_STATE_RETRY) continue;
    if (next != 0 && x->m.run_at_us >= next) continue;
    for (uint32_t i = 0; i < req->take_count; ++i)
      if (same(x->m.queue, GANDER_AT(gander_take, req->takes, req->take_size, i)->queue))
        next = x->m.run_at_us;
  }
  return next;
}

static int good_exchange(const gander_exchange_req* req) {
  if (req->flags != 0) return 0;
  for (uint32_t i = 0; i < req->settle_count; ++i) {
    const gander_settle* s = GANDER_AT(gander_settle, req->settles, req->settle_size, i);
    if (s->flags != 0 || s->op < GANDER_SETTLE_ACK || s->op > GANDER_SETTLE_SNOOZE) return 0;
  }
  for (uint32_t i = 0; i < req->take_count; ++i)
    if (GANDER_AT(gander_take, req->takes, req->take_size, i)->flags != 0) return 0;
  return 1;
}

static gander_status exchange(gander_session* on, const gander_call* call,
                              const gander_exchange_req* req, gander_status* verdicts,
                              gander_exchange_res* res, gander_error* error) {
  (void)call;
  session* s = to_session(on);
  broker* b = s->on;
  if (!good_exchange(req))
    return fail(error, GANDER_INVALID_ARGUMENT, "exchange: unknown flag or op", none());
  taken* t = calloc(1, sizeof *t);
  if (t == NULL) return fail(error, GANDER_NO_MEMORY, "out of memory", none());
  pthread_mutex_lock(&b->mutex);
  const int64_t now = b->host->now_us(b->host);
  for (uint32_t i = 0; i < req->settle_count; ++i)
    verdicts[i] =
        settle(b, s->owner, GANDER_AT(gander_settle, req->settles, req->settle_size, i), now);
  promote(b, now);
  for (uint32_t i = 0; i < req->take_count; ++i)
    take(b, s->owner, GANDER_AT(gander_take, req->takes, req->take_size, i), req->max_bytes, t);
  res->next_due_us = next_due(b, req);
  pthread_cond_broadcast(&b->arrived);
  pthread_mutex_unlock(&b->mutex);
  const gander_batch batch = {sizeof batch, sizeof(gander_message), t->batch.count, 0, t->items, t,
                              release};
  t->batch = batch;
  if (batch.count > 0)
    res->taken = &t->batch;
  else
    release(&t->batch);
  return GANDER_OK;
}

/* ---- wait, tend, interrupt */

static int rung(const session* s, const gander_str* queues, size_t n) {
  const broker* b = s->on;
  for (const message* x = b->list.next; x != &b->list; x = x->next)
    for (size_t i = 0; x->arrival > s->seen && i < n; ++i)
      if (same(x->m.queue, queues[i])) return 1;
  return 0;
}

static gander_status wait_for(gander_session* on, const gander_call* call, const gander_str* queues,
                              size_t n, gander_error* error) {
  (void)error;
  session* s = to_session(on);
  broker* b = s->on;
  const int limited = call != NULL && call->timeout_us >= 0;
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  if (limited) {
    const int64_t ns = end.tv_nsec + call->timeout_us % 1000000 * 1000;
    end.tv_sec += call->timeout_us / 1000000 + ns / 1000000000;
    end.tv_nsec = ns % 1000000000;
  }
  gander_status status = GANDER_OK;
  pthread_mutex_lock(&b->mutex);
  while (!s->interrupted && !rung(s, queues, n) && status == GANDER_OK) {
    const int problem = limited ? pthread_cond_timedwait(&b->arrived, &b->mutex, &end)
                                : pthread_cond_wait(&b->arrived, &b->mutex);
    if (problem != 0) status = GANDER_TIMEOUT;
  }
  if (s->interrupted) {
    status = GANDER_CANCELLED;
    s->interrupted = 0;
  } else if (status == GANDER_OK || rung(s, queues, n)) {
    status = GANDER_OK;
    s->seen = b->arrivals;
  }
  pthread_mutex_unlock(&b->mutex);
  return status;
}

/* An incarnation lives as long as its session: the process that could die with it is this one. */
static gander_status tend(gander_session* on, const gander_call* call, gander_tend_res* res,
                          gander_error* error) {
  (void)call;
  session* s = to_session(on);
  broker* b = s->on;
  pthread_mutex_lock(&b->mutex);
  const int open = is_open(b, s->incarnation);
  if (open) res->promoted = promote(b, b->host->now_us(b->host));
  pthread_cond_broadcast(&b->arrived);
  pthread_mutex_unlock(&b->mutex);
  if (open) return GANDER_OK;
  return fail(error, GANDER_LEASE_LOST, "the incarnation has ended", none());
}

static void interrupt(gander_session* on) {
  session* s = to_session(on);
  pthread_mutex_lock(&s->on->mutex);
  s->interrupted = 1;
  pthread_cond_broadcast(&s->on->arrived);
  pthread_mutex_unlock(&s->on->mutex);
}

const gander_plugin* gander_plugin_v1(uint32_t host_abi) {
  static const char* const schemes[] = {"memory-c", NULL};
  static const gander_broker_table table = {
      sizeof table,  0,       create,   destroy,  info, get_extension, open_session,
      close_session, enqueue, exchange, wait_for, tend, interrupt};
  static const gander_component component = {GANDER_BROKER_KIND, "memory_c", schemes,
                                             gander_config_schema, &table};
  static const gander_plugin plugin = {sizeof plugin,
                                       GANDER_ABI,
                                       GANDER_ABI_MAJOR << 16,
                                       0,
                                       "dev.gander.memory_c",
                                       "1.0.0",
                                       "",
                                       "",
                                       "",
                                       "C11",
                                       sizeof component,
                                       1,
                                       &component};
  return host_abi >> 16 == GANDER_ABI_MAJOR ? &plugin : NULL;
}
