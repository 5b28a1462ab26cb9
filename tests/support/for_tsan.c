/* What TSan does not know, by way of what it knows. C11's threads, which librdkafka uses: a thread
   that TSan has not seen begin ends the program at its first access. And the clocked lock, which is
   what std::timed_mutex uses. To be preloaded. In glibc the types of C11 and POSIX are alike. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

static int as_c11(int error) {
  return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

typedef struct {
  thrd_start_t function;
  void* argument;
} Start;

static void* begin(void* raw) {
  Start start = *(Start*)raw;
  free(raw);
  start.function(start.argument);
  return NULL;
}

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  Start* start = malloc(sizeof *start);
  if (start == NULL) return thrd_nomem;
  *start = (Start){function, argument};
  const int error = pthread_create(thread, NULL, begin, start);
  if (error != 0) free(start);
  return as_c11(error);
}
/* What the thread returned, nobody asks for. */
int thrd_join(thrd_t thread, int* result) {
  if (result != NULL) *result = 0;
  return as_c11(pthread_join(thread, NULL));
}

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  const int error = pthread_mutex_init((pthread_mutex_t*)mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return as_c11(error);
}
int mtx_lock(mtx_t* mutex) { return as_c11(pthread_mutex_lock((pthread_mutex_t*)mutex)); }
int mtx_unlock(mtx_t* mutex) { return as_c11(pthread_mutex_unlock((pthread_mutex_t*)mutex)); }
void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy((pthread_mutex_t*)mutex); }

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const struct timespec* until) {
  struct timespec now, there;
  clock_gettime(clock, &now);
  clock_gettime(CLOCK_REALTIME, &there);
  const long ns = there.tv_nsec + until->tv_nsec - now.tv_nsec; /* from -1e9 to 2e9 */
  there.tv_sec += until->tv_sec - now.tv_sec + (ns < 0 ? -1 : ns / 1000000000);
  there.tv_nsec = (ns + 1000000000) % 1000000000;
  return pthread_mutex_timedlock(mutex, &there);
}

int cnd_init(cnd_t* condition) {
  return as_c11(pthread_cond_init((pthread_cond_t*)condition, NULL));
}
int cnd_signal(cnd_t* condition) { return as_c11(pthread_cond_signal((pthread_cond_t*)condition)); }
int cnd_broadcast(cnd_t* condition) {
  return as_c11(pthread_cond_broadcast((pthread_cond_t*)condition));
}
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return as_c11(pthread_cond_wait((pthread_cond_t*)condition, (pthread_mutex_t*)mutex));
}
int cnd_timedwait(cnd_t* restrict condition, mtx_t* restrict mutex,
                  const struct timespec* restrict until) {
  return as_c11(pthread_cond_timedwait((pthread_cond_t*)condition, (pthread_mutex_t*)mutex, until));
}
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy((pthread_cond_t*)condition); }
