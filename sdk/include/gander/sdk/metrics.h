/* gander/sdk/metrics.h -- "gander.metrics/1": where numbers go.
 *
 * The host counts by itself and hands a sink cumulative points every few seconds, so no call
 * crosses the ABI on a job's path. A sink that needs differences keeps the last points it saw. */
#ifndef GANDER_SDK_METRICS_H
#define GANDER_SDK_METRICS_H

#include <gander/sdk/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANDER_METRICS_KIND "gander.metrics/1"

enum {
  GANDER_COUNTER = 1,  /* value: total since start_us */
  GANDER_GAUGE = 2,    /* value: as of time_us */
  GANDER_HISTOGRAM = 3 /* count, sum and buckets since start_us */
};

typedef struct gander_point {
  gander_str name; /* "jobs.processed" */
  gander_str unit; /* "1", "ms" */
  gander_str help;
  uint32_t type;
  uint32_t n_buckets; /* buckets, not counting the last, open one */
  const gander_kv* labels;
  size_t n_labels;
  double value;
  uint64_t count;
  double sum;
  const double* bounds;          /* n_buckets upper bounds, rising, in `unit` */
  const uint64_t* bucket_counts; /* n_buckets + 1 counts, each of its bucket alone */
  int64_t start_us;
  int64_t time_us;
} gander_point;

typedef struct gander_points {
  uint32_t struct_size;
  uint32_t item_size;
  uint32_t count;
  uint32_t flags;
  const gander_point* items;
} gander_points;

typedef struct gander_sink gander_sink; /* the plugin's own */

typedef struct gander_metrics_table {
  uint32_t struct_size;
  uint32_t reserved;
  /* [any] No I/O but opening a local socket; bad options are CONFIG. */
  gander_status GANDER_FN(create)(const gander_host*, const gander_kv* options, size_t n,
                                  gander_sink** out, gander_error*) GANDER_NX;
  /* [alone] */
  void GANDER_FN(destroy)(gander_sink*) GANDER_NX;
  /* Serialised per sink. Points are borrowed. A failure is logged and counted by the host, and
   * costs nothing else: the next call brings totals again. */
  gander_status GANDER_FN(export_points)(gander_sink*, const gander_call*, const gander_points*,
                                         gander_error*) GANDER_NX;
} gander_metrics_table;

#ifdef __cplusplus
}
#endif
#endif
