/* gander/sdk/ext/health.h -- "gander.broker.health/1": is it there, and will it stay so. Frozen.
 *
 * On a session of GANDER_ROLE_ADMIN. */
#ifndef GANDER_SDK_EXT_HEALTH_H
#define GANDER_SDK_EXT_HEALTH_H

#include <gander/sdk/broker.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANDER_EXT_HEALTH "gander.broker.health/1"

typedef struct gander_health_item {
  uint32_t struct_size;
  uint32_t level;    /* GANDER_LOG_INFO, _WARN or _ERROR */
  gander_str name;   /* "disk free", "persistence" */
  gander_str value;  /* "41 GiB", "off" */
  gander_str advice; /* what to do; empty when all is well */
} gander_health_item;

typedef int32_t GANDER_FN(gander_health_visitor)(void* user, const gander_health_item*) GANDER_NX;

typedef struct gander_ext_health {
  uint32_t struct_size;
  uint32_t reserved;
  /* [sess] One round trip. `server_now_us` is 0 where the server has no clock. */
  gander_status GANDER_FN(ping)(gander_session*, const gander_call*, int64_t* rtt_us,
                                int64_t* server_now_us, gander_error*) GANDER_NX;
  /* [sess] What an operator should know, worst first (GBC-810). */
  gander_status GANDER_FN(report)(gander_session*, const gander_call*, gander_health_visitor,
                                  void* user, gander_error*) GANDER_NX;
} gander_ext_health;

#ifdef __cplusplus
}
#endif
#endif
