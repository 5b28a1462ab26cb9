/* What the raw C broker keeps: messages in one list, and the checks that a call must pass. */
#ifndef RAW_C_STORE_H
#define RAW_C_STORE_H

#include <gander/sdk/broker.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kMaxBody = 1 << 20, kMaxBatch = 10000, kMaxQueue = 200, kMaxIncarnation = 100 };

typedef struct message {
  struct message *prev, *next;
  gander_message m; /* queue, body and note point behind this struct */
  uint64_t owner;   /* of the consuming session that holds it; 0 none */
  uint64_t arrival; /* when it last became ready */
} message;

typedef struct broker {
  const gander_host* host;
  pthread_mutex_t mutex;
  pthread_cond_t arrived;
  message list; /* its head; in the order of taking, whatever the queue and the state */
  struct session* sessions;
  uint64_t arrivals, owners, receipts;
} broker;

typedef struct session {
  struct session* next;
  broker* on;
  uint64_t owner; /* of a CONSUME session; else 0 */
  uint64_t seen;
  int interrupted;
  uint32_t role;
  char incarnation[kMaxIncarnation + 1];
} session;

static broker* to_broker(gander_broker* b) { return (broker*)(void*)b; }
static session* to_session(gander_session* s) { return (session*)(void*)s; }

/* ---- errors and checks */

static gander_status fail(gander_error* error, gander_status code, const char* what,
                          gander_str name) {
  if (error == NULL) return code;
  const uint32_t size = error->struct_size;
  memset(error, 0, sizeof *error);
  error->struct_size = size;
  error->code = code;
  /* Cut so that the text fits, and at a code point. */
  size_t n = name.len < 200 ? name.len : 200;
  while (n < name.len && n > 0 && ((unsigned char)name.ptr[n] & 0xC0U) == 0x80U) --n;
  snprintf(error->message, sizeof error->message, "%s%.*s", what, (int)n, n > 0 ? name.ptr : "");
  return code;
}

static gander_str none(void) { return (gander_str){NULL, 0}; }
static int same(gander_str a, gander_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static int good_queue(gander_str name) {
  if (name.len == 0 || name.len > kMaxQueue) return 0;
  for (size_t i = 0; i < name.len; ++i)
    if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7F) return 0;
  return 1;
}

static int good_incarnation(gander_str name) {
  static const char kGood[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
  if (name.len == 0 || name.len > kMaxIncarnation) return 0;
  for (size_t i = 0; i < name.len; ++i)
    if (memchr(kGood, name.ptr[i], sizeof kGood - 1) == NULL) return 0;
  return 1;
}

/* ---- the list */

static void unlink_message(message* x) {
  x->prev->next = x->next;
  x->next->prev = x->prev;
}

static void link_before(message* x, message* place) {
  x->prev = place->prev;
  x->next = place;
  place->prev->next = x;
  place->prev = x;
}

static message* find(broker* b, gander_id id) {
  for (message* x = b->list.next; x != &b->list; x = x->next)
    if (memcmp(x->m.id.bytes, id.bytes, sizeof id.bytes) == 0) return x;
  return NULL;
}

static message* copy_of(const gander_message* from) {
  message* x = malloc(sizeof *x + from->queue.len + from->body.len + from->note.len + 1);
  if (x == NULL) return NULL;
  memset(x, 0, sizeof *x);
  x->m = *from;
  char* to = (char*)(x + 1);
  x->m.queue.ptr = memcpy(to, from->queue.ptr, from->queue.len);
  to += from->queue.len;
  if (from->body.len > 0) memcpy(to, from->body.ptr, from->body.len);
  x->m.body.ptr = to;
  to += from->body.len;
  if (from->note.len > 0) memcpy(to, from->note.ptr, from->note.len);
  x->m.note.ptr = to;
  return x;
}

static void make_ready(broker* b, message* x, int front) {
  x->owner = 0;
  x->m.state = GANDER_STATE_READY;
  x->arrival = ++b->arrivals;
  link_before(x, front ? b->list.next : &b->list);
}

/* Due messages to the front, the earliest foremost: each time the latest of them first. */
static uint64_t promote(broker* b, int64_t now) {
  for (uint64_t n = 0;; ++n) {
    message* latest = NULL;
    for (message* x = b->list.next; x != &b->list; x = x->next) {
      const int waits = x->m.state == GANDER_STATE_SCHEDULED || x->m.state == GANDER_STATE_RETRY;
      if (waits && x->m.run_at_us <= now &&
          (latest == NULL || x->m.run_at_us > latest->m.run_at_us))
        latest = x;
    }
    if (latest == NULL) return n;
    unlink_message(latest);
    make_ready(b, latest, 1);
  }
}

#endif
