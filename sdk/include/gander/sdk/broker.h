/* gander/sdk/broker.h -- "gander.broker/1": what stores and moves messages.
 *
 * Core owns the order of things; a broker owns bytes and a connection. It never reads a body, never
 * decides a retry, runs no loop of its own: core calls exchange() to settle and take, wait() when
 * there was nothing, tend() on a timer.
 *
 *   message    one enqueued call, known by its id
 *   delivery   a message leased to one incarnation, until it is settled: once
 *   incarnation  one life of one worker process. Leases belong to it, never to a message: there is
 * no visibility timeout. While its lease is renewed (or, in a file, its lock is held), its
 *              deliveries are its own; when it ends, they go back to the front of their queues
 *
 * States of a message, and what moves it:
 *
 *   enqueue ─► READY ─► exchange takes ─► LEASED ─► ACK: gone
 *      │         ▲  ▲                       │  ├──► RETRY, SNOOZE: SCHEDULED/RETRY until run_at
 *      ▼         │  └── GIVE_BACK, lease ───┘  └──► DEAD
 *   SCHEDULED ───┘ due (tend, exchange): to the front
 */
#ifndef GANDER_SDK_BROKER_H
#define GANDER_SDK_BROKER_H

#include <gander/sdk/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANDER_BROKER_KIND "gander.broker/1"

enum { GANDER_PRIORITY_HIGH = 0, GANDER_PRIORITY_NORMAL = 1, GANDER_PRIORITY_LOW = 2 };

enum {
  GANDER_STATE_READY = 1,
  GANDER_STATE_SCHEDULED = 2, /* due at run_at: enqueued for later, or snoozed */
  GANDER_STATE_LEASED = 3,
  GANDER_STATE_RETRY = 4, /* due at run_at, after a failure */
  GANDER_STATE_DEAD = 5
};

/* Enqueue: at the front of its queue (what a past run_at asks for), not behind what waits. */
#define GANDER_MESSAGE_FRONT 1u

/* One message, wherever it is seen: an item to enqueue, a delivery, the successor in a settle, a
 * row in a list. Arrays of it carry a stride; what a path does not use is 0. Every field is kept
 * byte for byte from enqueue to delivery (GBC-201). */
typedef struct gander_message {
  gander_id id;
  gander_str queue;  /* 1..200 bytes, no control character (GBC-212) */
  gander_bytes body; /* opaque, 0..info().max_body bytes */
  gander_str note;   /* why it last failed, died or is parked; cut by the host at 4 KiB */
  int64_t enqueued_at_us;
  int64_t run_at_us; /* not before; 0 or past: now */
  int64_t first_failed_at_us;
  int64_t failed_at_us; /* last failure; of a dead letter, its death */
  uint32_t attempts;    /* times the handler failed; moved by the host */
  uint32_t
      crashes; /* times its incarnation died with it: +1 by the broker, in reclaiming (GBC-603) */
  uint32_t give_backs; /* times it came back unharmed: moved by the host, and +1 in close_session */
  uint32_t priority;   /* GANDER_PRIORITY_... */
  uint32_t state;      /* GANDER_STATE_..., set by the broker where it hands one out */
  uint32_t flags;      /* GANDER_MESSAGE_... */
  uint64_t receipt[2]; /* of a delivery: the broker's own, given back in its settle */
} gander_message;

/* ------------------------------------------------------------------------------------------
 * produce */

typedef struct gander_enqueue_req {
  uint32_t struct_size;
  uint32_t item_size;
  uint32_t count; /* 0..info().max_batch */
  uint32_t flags; /* 0 */
  const gander_message* items;
} gander_enqueue_req;

/* ------------------------------------------------------------------------------------------
 * consume */

enum {
  GANDER_SETTLE_ACK = 1,   /* it ran: gone (GBC-304) */
  GANDER_SETTLE_RETRY = 2, /* it failed: again at message->run_at_us, as state RETRY (GBC-305) */
  GANDER_SETTLE_DEAD = 3,  /* to the dead letters (GBC-306) */
  /* It did not begin: to the front of its queue, now. Settles apply in order, so of several given
   * back the last comes first (GBC-307): a host gives back what it took in reverse. */
  GANDER_SETTLE_GIVE_BACK = 4,
  GANDER_SETTLE_SNOOZE = 5 /* not now: again at message->run_at_us, as state SCHEDULED (GBC-308) */
};

/* What becomes of one delivery. `message` is the successor, whole: same id and receipt, the
 * counters, times, note and queue that it shall have (GBC-309). For ACK only id and receipt need be
 * set. */
typedef struct gander_settle {
  const gander_message* message;
  gander_str from_queue; /* the queue it was taken from; message->queue may be another */
  uint32_t op;           /* GANDER_SETTLE_... */
  uint32_t flags;        /* 0 */
} gander_settle;

typedef struct gander_take {
  gander_str queue;
  uint32_t max_messages; /* no more are given (GBC-402) */
  uint32_t flags;        /* 0 */
} gander_take;

typedef struct gander_exchange_req {
  uint32_t struct_size;
  uint32_t settle_size; /* stride of settles */
  uint32_t settle_count;
  uint32_t take_size; /* stride of takes */
  uint32_t take_count;
  uint32_t flags; /* 0 */
  const gander_settle* settles;
  const gander_take* takes; /* served in this order (GBC-403) */
  uint64_t max_bytes;       /* of bodies, over all takes; 0 no limit. At least one message is given
                               (GBC-402) */
} gander_exchange_req;

/* Deliveries, owned by the plugin and unchanged until release() (GBC-406), which frees memory and
 * settles nothing. release() is [any], legal until destroy() of the broker (GBC-407). */
typedef struct gander_batch {
  uint32_t struct_size;
  uint32_t item_size;
  uint32_t count;
  uint32_t flags;
  const gander_message* items;
  void* plugin_data;
  void GANDER_FN(release)(struct gander_batch*) GANDER_NX;
} gander_batch;

typedef struct gander_exchange_res {
  uint32_t struct_size;
  uint32_t flags;
  gander_batch* taken; /* NULL when nothing was taken */
  int64_t next_due_us; /* when the next message of these queues falls due; 0 none known (GBC-404) */
} gander_exchange_res;

typedef struct gander_tend_res {
  uint32_t struct_size;
  uint32_t flags;
  int64_t again_in_us; /* when to call next, 0: the host's own rhythm (at most 5 s) */
  uint64_t promoted;   /* due messages made ready */
  uint64_t reclaimed;  /* deliveries of dead incarnations handed on */
  uint64_t trimmed;    /* dead letters dropped by the retention options */
} gander_tend_res;

/* -------------------------------------------------------------------------------------------
 * broker */

typedef struct gander_broker gander_broker;   /* the plugin's own */
typedef struct gander_session gander_session; /* one connection */

#define GANDER_CAP_SCHEDULE (UINT64_C(1) << 0) /* run_at, RETRY and SNOOZE in the future */
#define GANDER_CAP_PRIORITY \
  (UINT64_C(1) << 1) /* within a queue, a higher priority is taken first (GBC-206) */
#define GANDER_CAP_FRONT \
  (UINT64_C(1) << 2) /* GANDER_MESSAGE_FRONT, due and reclaimed to the front (GBC-207) */
#define GANDER_CAP_IDEMPOTENT (UINT64_C(1) << 3) /* the same id twice is DUPLICATE (GBC-208) */
#define GANDER_CAP_ORDERED \
  (UINT64_C(1) << 4) /* first in, first out within queue and priority (GBC-210) */
#define GANDER_CAP_WAIT (UINT64_C(1) << 5) /* wait() is there and wakes within 50 ms (GBC-503) */
#define GANDER_CAP_MULTI_PROCESS (UINT64_C(1) << 6) /* several processes can share it (GBC-211) */
#define GANDER_CAP_DURABLE (UINT64_C(1) << 7)       /* what was enqueued outlives every process */
#define GANDER_CAP_SERVER_CLOCK \
  (UINT64_C(1) << 8) /* due times by the server's clock, not the host's */
#define GANDER_CAP_INSTANT_RECLAIM \
  (UINT64_C(1) << 9) /* a killed worker's deliveries come at next tend */

typedef struct gander_broker_info {
  uint32_t struct_size;
  uint32_t max_batch; /* messages per enqueue(), settles per exchange() */
  uint64_t caps;      /* GANDER_CAP_... */
  uint64_t max_body;  /* bytes */
  int64_t lease_us;   /* how long a silent incarnation lives; 0: as long as its process */
  char server[64];    /* name and version, NUL-terminated: "SQLite 3.40.1" */
} gander_broker_info;

enum {
  GANDER_ROLE_PRODUCE = 1, /* enqueue() */
  GANDER_ROLE_CONSUME =
      2, /* exchange(); there is one per incarnation, and it is the first of its sessions */
  GANDER_ROLE_WAIT = 3, /* wait() */
  GANDER_ROLE_TEND = 4, /* tend() */
  GANDER_ROLE_ADMIN = 5 /* the extensions */
};

typedef struct gander_session_opts {
  uint32_t struct_size;
  uint32_t role;
  gander_str incarnation; /* CONSUME and TEND: 1..100 bytes of [A-Za-z0-9._:-], chosen by the host,
                             never used again */
  const gander_str* queues; /* those it will take from or wait for: a hint to subscribe to */
  size_t n_queues;
} gander_session_opts;

/* The table. Extension tables come by id through get_extension, so it never needs a twelfth
 * function. What has no NULL allowed and is NULL makes the host refuse the plugin at load. */
typedef struct gander_broker_table {
  uint32_t struct_size;
  uint32_t reserved;

  /* [any] An instance from options that passed the schema. An unknown option, a bad type or range
   * is CONFIG and names it (GBC-102, GBC-103). No I/O: with the server down it still succeeds
   * (GBC-104). */
  gander_status GANDER_FN(create)(const gander_host*, const gander_kv* options, size_t n,
                                  gander_broker** out, gander_error*) GANDER_NX;
  /* [alone] All sessions are closed. Joins every thread and closes every file (GBC-106); afterwards
   * no host function is called (GBC-005). */
  void GANDER_FN(destroy)(gander_broker*) GANDER_NX;
  /* [any] May do I/O once. What it declares holds (GBC-012). */
  gander_status GANDER_FN(info)(gander_broker*, const gander_call*, gander_broker_info* out,
                                gander_error*) GANDER_NX;
  /* [any] The same pointer for one id every time, NULL for an unknown one (GBC-006). */
  const void* GANDER_FN(get_extension)(gander_broker*, const char* id) GANDER_NX;
  /* [any] Connects. An unknown role or a bad incarnation name is INVALID_ARGUMENT (GBC-018). An
   * incarnation that has a CONSUME session already is INVALID_STATE (GBC-604).
   */
  gander_status GANDER_FN(open_session)(gander_broker*, const gander_call*,
                                        const gander_session_opts*, gander_session** out,
                                        gander_error*) GANDER_NX;
  /* [sess] Of a CONSUME session: ends the incarnation; what is still leased to it goes back to the
   * front, give_backs + 1 (GBC-605). */
  void GANDER_FN(close_session)(gander_session*) GANDER_NX;

  /* [sess] Stores messages. OK: each item has a verdict (GBC-202), one of OK, DUPLICATE, TOO_LARGE,
   * UNSUPPORTED, INVALID_ARGUMENT, FULL, and those that say OK are durable as the broker's page
   * promises (GBC-203). Not OK: nothing was stored, unless the error says MAYBE_APPLIED; repeating
   * it with the same ids is safe (GBC-204). A message with run_at in the future is taken not before
   * (GBC-205), and comes when it is due (GBC-213). A body over max_body is TOO_LARGE (GBC-209). */
  gander_status GANDER_FN(enqueue)(gander_session*, const gander_call*, const gander_enqueue_req*,
                                   gander_status* verdicts, gander_error*) GANDER_NX;

  /* [sess] First settles, then takes (GBC-310), in one round trip where the server can. Never waits
   * for work (GBC-405). Not OK: nothing was settled and nothing taken, unless MAYBE_APPLIED;
   * LEASE_LOST: this incarnation has ended, begin another. OK: each settle has a verdict (GBC-301),
   * OK or LEASE_LOST; a LEASE_LOST one had no effect whatever (GBC-302). A settle leaves successor
   * or predecessor, never neither, at any moment of a crash (GBC-303). No message is taken twice
   * while its lease lives (GBC-401), none before its run_at (GBC-205), none of a paused queue.
   * `*res` was zeroed by the host, but for struct_size. */
  gander_status GANDER_FN(exchange)(gander_session*, const gander_call*, const gander_exchange_req*,
                                    gander_status* verdicts, gander_exchange_res* res,
                                    gander_error*) GANDER_NX;

  /* [sess], may be NULL. Returns OK when a message of one of the queues may have become ready since
   * this session's last wait() returned, or since it was opened; TIMEOUT at call->timeout_us
   * (GBC-504); CANCELLED after interrupt(). May be spurious; never misses an arrival, as the edge
   * is latched (GBC-501). */
  gander_status GANDER_FN(wait)(gander_session*, const gander_call*, const gander_str* queues,
                                size_t n, gander_error*) GANDER_NX;

  /* [sess] Keeps the house: renews the lease of the session's incarnation, first of all (GBC-601);
   * then makes due messages ready at the front, hands on the deliveries of dead incarnations, to
   * the front and with crashes + 1 (GBC-603), trims what is kept, as far as call->timeout_us goes.
   * Idempotent; any worker may do it at any time (GBC-602). LEASE_LOST: this incarnation has ended.
   */
  gander_status GANDER_FN(tend)(gander_session*, const gander_call*, gander_tend_res* res,
                                gander_error*) GANDER_NX;

  /* [any], but not beside close_session of the same session. Ends a wait() that runs, or the next
   * one, with CANCELLED within 100 ms (GBC-502). Does nothing to another call. */
  void GANDER_FN(interrupt)(gander_session*) GANDER_NX;
} gander_broker_table;

#ifdef __cplusplus
}
#endif
#endif
