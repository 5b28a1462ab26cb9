/* gander/sdk/jobs.h -- "gander.jobs/1": a module of handlers, in any language that can make a C
 * function.
 *
 * `gander worker --jobs FILE` loads it and runs what it names. */
#ifndef GANDER_SDK_JOBS_H
#define GANDER_SDK_JOBS_H

#include <gander/sdk/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANDER_JOBS_KIND "gander.jobs/1"

/* One run of one job, borrowed for the run. */
typedef struct gander_job_call {
  uint32_t struct_size;
  uint32_t attempts; /* failures so far: 0 on the first run */
  gander_id id;
  gander_str job; /* its name */
  gander_str queue;
  gander_str args;     /* a JSON array, UTF-8 */
  int64_t deadline_us; /* Unix time by which it should be done; 0 none */
  void* host_data;     /* the host's own */
  /* [any] Non-zero once the worker is stopping and waits for the handler no longer. */
  int32_t GANDER_FN(stop_requested)(const struct gander_job_call*) GANDER_NX;
} gander_job_call;

typedef struct gander_job_entry {
  const char* name;
  uint32_t payload_version; /* the newest version of its arguments it understands */
  uint32_t reserved;
} gander_job_entry;

typedef struct gander_jobs_table {
  uint32_t struct_size;
  uint32_t item_size;
  uint32_t count;
  uint32_t reserved;
  const gander_job_entry* jobs;
  /* [any] Runs the job. OK; or JOB_FAILED, JOB_DISCARD, JOB_SNOOZE (after error->retry_after_ms),
   * with the reason in error->message; any other code counts as JOB_FAILED. */
  gander_status GANDER_FN(run)(const gander_host*, const gander_job_call*, gander_error*) GANDER_NX;
} gander_jobs_table;

#ifdef __cplusplus
}
#endif
#endif
