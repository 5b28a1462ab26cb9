/* gander/sdk/ext/manage.h -- "gander.broker.manage/1": what an operator does. Frozen.
 *
 * On a session of GANDER_ROLE_ADMIN. Nothing here touches a LEASED message: it belongs to its
 * worker, and the verdict is INVALID_STATE (GBC-805). */
#ifndef GANDER_SDK_EXT_MANAGE_H
#define GANDER_SDK_EXT_MANAGE_H

#include <gander/sdk/broker.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANDER_EXT_MANAGE "gander.broker.manage/1"

#define GANDER_MOVE_FRONT 1u /* to the front of its queue; UNSUPPORTED without CAP_FRONT */
#define GANDER_MOVE_RESET_COUNTERS \
  2u /* attempts and crashes to 0, failure times to 0: a fresh start */

typedef struct gander_move_req {
  uint32_t struct_size;
  uint32_t count;
  const gander_id* ids;
  uint32_t to_state; /* READY, SCHEDULED (at run_at_us) or DEAD */
  uint32_t flags;    /* GANDER_MOVE_... */
  int64_t run_at_us;
  gander_str to_queue; /* empty: where it is */
  gander_str note;     /* kept with it when to_state is DEAD */
} gander_move_req;

typedef struct gander_ext_manage {
  uint32_t struct_size;
  uint32_t reserved;
  /* [sess] From the moment it returns, nothing is taken from a paused queue (GBC-806); enqueues go
   * on. Idempotent. */
  gander_status GANDER_FN(pause)(gander_session*, const gander_call*, gander_str queue,
                                 int32_t paused, gander_error*) GANDER_NX;
  /* [sess] Deletes the messages of one state, of one queue (empty: all), that are older than
   * `before_us` (0: all; by enqueued_at, of dead letters by failed_at). `*n` says how many, also
   * when cut short by the deadline with TIMEOUT (GBC-807). */
  gander_status GANDER_FN(purge)(gander_session*, const gander_call*, gander_str queue,
                                 uint32_t state, int64_t before_us, uint64_t* n,
                                 gander_error*) GANDER_NX;
  /* [sess] Moves messages between states and queues in one step each; verdict OK, NOT_FOUND or
   * INVALID_STATE (GBC-811). */
  gander_status GANDER_FN(move)(gander_session*, const gander_call*, const gander_move_req*,
                                gander_status* verdicts, gander_error*) GANDER_NX;
  /* [sess] Deletes by id; verdict OK, NOT_FOUND or INVALID_STATE. */
  gander_status GANDER_FN(remove)(gander_session*, const gander_call*, const gander_id* ids,
                                  size_t n, gander_status* verdicts, gander_error*) GANDER_NX;
} gander_ext_manage;

#ifdef __cplusplus
}
#endif
#endif
