/* gander/sdk/ext/reclaim.h -- "gander.broker.reclaim/1": for a supervisor that has just seen a
 * worker die, and need not wait for its lease. Frozen.
 *
 * On a session of GANDER_ROLE_ADMIN. */
#ifndef GANDER_SDK_EXT_RECLAIM_H
#define GANDER_SDK_EXT_RECLAIM_H

#include <gander/sdk/broker.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANDER_EXT_RECLAIM "gander.broker.reclaim/1"

typedef struct gander_ext_reclaim {
  uint32_t struct_size;
  uint32_t reserved;
  /* [sess] Ends an incarnation whose process is known to be dead, and hands on its deliveries at
   * once, as tend() does after its lease: to the front, crashes + 1 (GBC-814). `*n` says how many;
   * 0 for an incarnation that is not known. A store that sees for itself that the process lives
   * leaves it alone: 0, too. */
  gander_status GANDER_FN(reclaim)(gander_session*, const gander_call*, gander_str incarnation,
                                   uint64_t* n, gander_error*) GANDER_NX;
} gander_ext_reclaim;

#ifdef __cplusplus
}
#endif
#endif
