/* gander/sdk/ext/migrate.h -- "gander.broker.migrate/1": the tables of a store, brought up to date.
 * Frozen.
 *
 * On a session of GANDER_ROLE_ADMIN, which such a broker opens whatever the state of its tables. */
#ifndef GANDER_SDK_EXT_MIGRATE_H
#define GANDER_SDK_EXT_MIGRATE_H

#include <gander/sdk/broker.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANDER_EXT_MIGRATE "gander.broker.migrate/1"

typedef struct gander_migrate_res {
  uint32_t struct_size;
  uint32_t from_version; /* 0: there were no tables */
  uint32_t to_version;
  uint32_t reserved;
} gander_migrate_res;

typedef int32_t GANDER_FN(gander_text_visitor)(void* user, gander_str text) GANDER_NX;

typedef struct gander_ext_migrate {
  uint32_t struct_size;
  uint32_t reserved;
  /* [sess] What migrate() would do now, in the words of the server's own client, for who applies it
   * by hand; no text when there is nothing to do. Changes nothing (GBC-812). */
  gander_status GANDER_FN(script)(gander_session*, const gander_call*, gander_text_visitor,
                                  void* user, gander_error*) GANDER_NX;
  /* [sess] Creates the tables or brings them up to date, whole or not at all; any number of
   * processes at once. Once they are, it changes nothing (GBC-813). Tables newer than the plugin
   * are CONFIG. */
  gander_status GANDER_FN(migrate)(gander_session*, const gander_call*, gander_migrate_res*,
                                   gander_error*) GANDER_NX;
} gander_ext_migrate;

#ifdef __cplusplus
}
#endif
#endif
