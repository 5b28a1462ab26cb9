/* gander/sdk/types.h -- the words every table of the plugin ABI is made of.
 *
 * Valid C11 to C17 and C++11 to C++20. Everything here is frozen within ABI major 1 (docs/abi.md):
 * a struct that begins with `struct_size` grows at its tail only, constants never change value.
 *
 * MEMORY
 *   A pointer handed in is borrowed until the call returns (GBC-013). A pointer handed out belongs
 *   to the one who handed it out, until its release() or destroy(). Nobody frees the other side's
 *   memory. An array is walked by the stride that comes with it, and no more of a struct is written
 *   than its struct_size says (GBC-015). A count of zero is no error (GBC-017).
 * STRINGS
 *   UTF-8, counted, not NUL-terminated, may be empty with ptr NULL (GBC-014). `const char *` is
 * used only for static text of a descriptor, and is NUL-terminated. FLAGS An unknown flag bit, op
 * or priority is INVALID_ARGUMENT and has no effect (GBC-016). TIME
 *   `_us` is microseconds; an instant is Unix time, 0 means "none" or "now" as each field says.
 * THREADS
 *   [loader] serialised with every other call into the same file; no instance exists yet.
 *   [any]    from any thread, at the same time as anything else.
 *   [sess]   the host serialises the calls on one session; the thread may change between calls, and
 *            other sessions are at work beside it (GBC-019).
 *   [alone]  no other call on the object, or on what was opened from it, is running.
 * PROCESS
 *   No exception and no longjmp leaves a function (GBC-007). A plugin never calls exit, signal,
 *   setlocale, setenv or atexit, and never reads the environment or writes to a log of its own
 *   (GBC-020).
 *
 * A sentence that a plugin can break carries a number GBC-nnn. The conformance kit reports the same
 * number, and docs/writing_a_plugin.md explains it. */
#ifndef GANDER_SDK_TYPES_H
#define GANDER_SDK_TYPES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus) && __cplusplus >= 201703L
/* Part of the pointer type from C++17 on, so that assigning a function that may throw does not
 * compile. */
#define GANDER_NX noexcept
#else
#define GANDER_NX
#endif

#define GANDER_FN(name) (*name)
#define GANDER_EXPORT __attribute__((visibility("default")))

#define GANDER_ABI_MAJOR 1u
#define GANDER_ABI_MINOR 0u
#define GANDER_ABI ((GANDER_ABI_MAJOR << 16) | GANDER_ABI_MINOR)

/* The only legal test for a field that was appended after 1.0. */
#define GANDER_HAS(type, p, field) ((p)->struct_size >= offsetof(type, field) + sizeof((p)->field))

/* Item `i` of an array whose stride is `item_size` bytes: items may be larger than this header
 * knows. */
#define GANDER_AT(type, items, item_size, i) \
  ((const type*)(const void*)((const char*)(items) + (size_t)(i) * (size_t)(item_size)))

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gander_str {
  const char* ptr;
  size_t len;
} gander_str;

typedef struct gander_bytes {
  const void* ptr;
  size_t len;
} gander_bytes;

typedef struct gander_kv {
  gander_str key, value;
} gander_kv;

/* The id of a message: 16 bytes, made by the host (a UUIDv7, so ids grow with time). Its text form
 * is the UUID's. It is also the idempotency key of a repeated enqueue. Frozen. */
typedef struct gander_id {
  uint8_t bytes[16];
} gander_id;

/* No C enum and no bool stands in a signature or a struct: their sizes change with compiler flags.
 */
typedef int32_t gander_status;
enum {
  GANDER_OK = 0,
  GANDER_UNSUPPORTED = 1,      /* this broker cannot; the text says what else would */
  GANDER_INVALID_ARGUMENT = 2, /* the caller broke the contract of the call */
  GANDER_INVALID_STATE = 3,    /* right call, wrong moment: e.g. an incarnation opened twice */
  GANDER_NOT_FOUND = 4,
  GANDER_DUPLICATE = 5,  /* enqueue: a message of that id is stored already; nothing changed */
  GANDER_LEASE_LOST = 6, /* the delivery or the incarnation is not ours (any more) */
  GANDER_TOO_LARGE = 7,  /* larger than info().max_body */
  GANDER_FULL = 8,       /* disk, memory or a limit of the server */
  GANDER_THROTTLED = 9,
  GANDER_UNAVAILABLE = 10, /* server away, network down, database locked: try again later */
  GANDER_TIMEOUT = 11,
  GANDER_CANCELLED = 12, /* interrupt() ended it */
  GANDER_UNAUTHENTICATED = 13,
  GANDER_FORBIDDEN = 14,
  GANDER_CORRUPT = 15, /* what is stored cannot be read */
  GANDER_NO_MEMORY = 16,
  GANDER_INTERNAL = 17,      /* a defect; also how an unknown future code is read */
  GANDER_CONFIG = 18,        /* an option is wrong; the text names it */
  GANDER_NOT_ATTEMPTED = 19, /* verdict of an item that the call did not come to */
  GANDER_JOB_FAILED = 20,    /* gander.jobs/1 only: retry by policy */
  GANDER_JOB_DISCARD = 21,   /* gander.jobs/1 only: dead letter now */
  GANDER_JOB_SNOOZE = 22     /* gander.jobs/1 only: again after retry_after_ms, no attempt spent */
};

enum {
  GANDER_ERROR_RETRYABLE = 1,    /* the same call may succeed later */
  GANDER_ERROR_RECONNECT = 2,    /* ... on a new session only */
  GANDER_ERROR_MAYBE_APPLIED = 4 /* the reply was lost: the call may have taken effect */
};

/* Owned by the caller, written on failure only (GBC-008), always NUL-terminated and cut at a code
 * point (GBC-009). It has no release function, so an error never outlives its plugin. Never holds a
 * secret, nor does a log line (GBC-105). */
typedef struct gander_error {
  uint32_t struct_size;
  gander_status code;
  uint32_t flags;          /* GANDER_ERROR_... */
  uint32_t retry_after_ms; /* 0: the host's own back-off */
  int64_t native_code;     /* the client library's number, 0 if none */
  char native[16];         /* the server's own code: SQLSTATE, "MOVED", "404" */
  char message[472];       /* what was wrong, with what, and what would be right */
} gander_error;

/* What every call that may block is told. NULL stands for no limit. */
typedef struct gander_call {
  uint32_t struct_size;
  uint32_t flags;     /* 0 */
  int64_t timeout_us; /* from the start of the call; < 0 no limit. Kept within 100 ms (GBC-010) */
  gander_str traceparent; /* W3C trace context of the caller, or empty */
} gander_call;

#ifdef __cplusplus
}
#endif
#endif
