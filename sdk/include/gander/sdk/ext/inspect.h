/* gander/sdk/ext/inspect.h -- "gander.broker.inspect/1": look without touching. Frozen.
 *
 * On a session of GANDER_ROLE_ADMIN. Looking changes nothing (GBC-809). Lists go to a visitor: what
 * it is shown is valid during the call of it, and a non-zero return stops the list, which is then
 * still OK (GBC-802). Counts are exact where the store can tell, else -1 (GBC-801). Long lists
 * never block workers: page them. */
#ifndef GANDER_SDK_EXT_INSPECT_H
#define GANDER_SDK_EXT_INSPECT_H

#include <gander/sdk/broker.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANDER_EXT_INSPECT "gander.broker.inspect/1"

typedef struct gander_queue_stat {
  uint32_t struct_size;
  uint32_t paused; /* 0 or 1 */
  gander_str queue;
  int64_t ready, scheduled, leased, retry, dead; /* -1: cannot be told */
  int64_t oldest_ready_us; /* enqueued_at of the one longest ready, 0 none, -1 unknown */
} gander_queue_stat;

typedef int32_t GANDER_FN(gander_queue_visitor)(void* user, const gander_queue_stat*) GANDER_NX;
/* `cursor` asks for what follows this message, as `after`. */
typedef int32_t GANDER_FN(gander_message_visitor)(void* user, const gander_message*,
                                                  gander_str cursor) GANDER_NX;

typedef struct gander_ext_inspect {
  uint32_t struct_size;
  uint32_t reserved;
  /* [sess] Every queue that holds a message in any state, or is paused, in the order of names. */
  gander_status GANDER_FN(queues)(gander_session*, const gander_call*, gander_queue_visitor,
                                  void* user, gander_error*) GANDER_NX;
  /* [sess] Messages of one state, in the order they would be taken or fall due, dead letters newest
   * first (GBC-803). An empty queue name means all queues; an empty `after`, from the start; at
   * most `limit`. A cursor whose message has gone goes on behind its place (GBC-804). */
  gander_status GANDER_FN(messages)(gander_session*, const gander_call*, gander_str queue,
                                    uint32_t state, gander_str after, uint32_t limit,
                                    gander_message_visitor, void* user, gander_error*) GANDER_NX;
  /* [sess] One message by id, in whatever state; NOT_FOUND when there is none (GBC-808). */
  gander_status GANDER_FN(get)(gander_session*, const gander_call*, const gander_id*,
                               gander_message_visitor, void* user, gander_error*) GANDER_NX;
} gander_ext_inspect;

#ifdef __cplusplus
}
#endif
#endif
