/* gander/sdk/plugin.h -- the one symbol a plugin exports, what it describes, and what the host
 * lends.
 *
 * A plugin is a shared object `gander_<name>.so`. The host opens it with RTLD_NOW | RTLD_LOCAL |
 * RTLD_NODELETE, calls gander_plugin_v1() and reads the components. It is never unmapped. The file
 * has every symbol resolved, is linked -z nodelete, and has no static TLS, run path, text
 * relocation or executable stack (GBC-021). */
#ifndef GANDER_SDK_PLUGIN_H
#define GANDER_SDK_PLUGIN_H

#include <gander/sdk/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  GANDER_LOG_TRACE = 0,
  GANDER_LOG_DEBUG = 1,
  GANDER_LOG_INFO = 2,
  GANDER_LOG_WARN = 3,
  GANDER_LOG_ERROR = 4
};

/* What the host lends to an instance, from create() until destroy() has returned; never after
 * (GBC-005). Every function is [any] and does not block. */
typedef struct gander_host {
  uint32_t struct_size;
  uint32_t abi;        /* GANDER_ABI of the host */
  void* host_data;     /* the host's own */
  const char* name;    /* "gander" */
  const char* version; /* of the host, "1.0.0" */
  /* A table by id, or NULL: the same for one id every time. */
  const void* GANDER_FN(get_extension)(const struct gander_host*, const char* id) GANDER_NX;
  int32_t GANDER_FN(log_enabled)(const struct gander_host*, int32_t level) GANDER_NX;
  void GANDER_FN(log)(const struct gander_host*, int32_t level, gander_str text,
                      const gander_kv* fields, size_t n_fields) GANDER_NX;
  /* Unix time. A broker without GANDER_CAP_SERVER_CLOCK takes all its time from here (GBC-011), so
   * that a test can drive it. */
  int64_t GANDER_FN(now_us)(const struct gander_host*) GANDER_NX;
} gander_host;

/* One thing a plugin offers. Strings are static; sizes, names and the table are as said here
 * (GBC-022). */
typedef struct gander_component {
  const char* kind; /* "gander.broker/1", "gander.metrics/1", "gander.jobs/1" */
  const char* name; /* [a-z][a-z0-9_]{0,31}; for a broker what config calls `plugin` */
  const char* const* uri_schemes; /* NULL-terminated list, or NULL */
  /* JSON Schema 2020-12 of an object whose properties are the options: each of type string,
   * integer, number or boolean, with a description and either a default or a place in `required`
   * (GBC-101).
   * `"x-secret": true` masks the value wherever the host prints it. Options reach create() as text.
   */
  const char* config_schema;
  const void* table; /* its type is given by kind */
} gander_component;

typedef struct gander_plugin {
  uint32_t struct_size;
  uint32_t abi;          /* GANDER_ABI it was compiled with */
  uint32_t min_host_abi; /* oldest host it can live with */
  uint32_t flags;        /* 0 */
  const char* id;        /* reverse DNS, "dev.gander.sqlite" */
  const char* version;   /* its own, "1.0.0" */
  const char *vendor, *license, *url;
  const char* build; /* compiler and client library versions, for bug reports */
  uint32_t item_size;
  uint32_t count;
  const gander_component* components;
} gander_plugin;

/* [loader] The only symbol a plugin exports (GBC-001). A function, because looking up data by name
 * is not portable; the major version is in the name, so that a file can serve two majors.
 *
 * Returns static data, the same every time (GBC-002), or NULL when `host_abi`'s major is not 1 or
 * is older than min_host_abi (GBC-003). Does nothing else: starts no thread, opens no file, changes
 * no process state (GBC-004), and returns within 100 ms including the load. */
GANDER_EXPORT const gander_plugin* gander_plugin_v1(uint32_t host_abi) GANDER_NX;

#ifdef __cplusplus
}
#endif
#endif
