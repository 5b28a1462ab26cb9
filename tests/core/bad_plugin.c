/* Plugins that a host must refuse, one per value of BAD. */
#include <gander/sdk/broker.h>

enum {
  NULL_ENTRY = 1,
  FUTURE_MAJOR = 2,
  NEEDS_NEWER_HOST = 3,
  LACKS_TEND = 4,
  SHORT_TABLE = 5,
  OFFERS_NOTHING = 6
};

static gander_status create(const gander_host* h, const gander_kv* o, size_t n, gander_broker** out,
                            gander_error* e) {
  (void)h, (void)o, (void)n, (void)out, (void)e;
  return GANDER_UNAVAILABLE;
}
static void destroy(gander_broker* b) { (void)b; }
static gander_status info(gander_broker* b, const gander_call* c, gander_broker_info* i,
                          gander_error* e) {
  (void)b, (void)c, (void)i, (void)e;
  return GANDER_UNAVAILABLE;
}
static const void* get_extension(gander_broker* b, const char* id) {
  (void)b, (void)id;
  return 0;
}
static gander_status open_session(gander_broker* b, const gander_call* c,
                                  const gander_session_opts* o, gander_session** s,
                                  gander_error* e) {
  (void)b, (void)c, (void)o, (void)s, (void)e;
  return GANDER_UNAVAILABLE;
}
static void close_session(gander_session* s) { (void)s; }
static gander_status enqueue(gander_session* s, const gander_call* c, const gander_enqueue_req* r,
                             gander_status* v, gander_error* e) {
  (void)s, (void)c, (void)r, (void)v, (void)e;
  return GANDER_UNAVAILABLE;
}
static gander_status exchange(gander_session* s, const gander_call* c, const gander_exchange_req* r,
                              gander_status* v, gander_exchange_res* x, gander_error* e) {
  (void)s, (void)c, (void)r, (void)v, (void)x, (void)e;
  return GANDER_UNAVAILABLE;
}
static void interrupt_wait(gander_session* s) { (void)s; }

static const gander_broker_table table = {BAD == SHORT_TABLE ? 24 : sizeof(gander_broker_table),
                                          0,
                                          create,
                                          destroy,
                                          info,
                                          get_extension,
                                          open_session,
                                          close_session,
                                          enqueue,
                                          exchange,
                                          0,
                                          0 /* tend */,
                                          interrupt_wait};
static const gander_component component = {GANDER_BROKER_KIND, "bad", 0, "{}", &table};
static const gander_plugin plugin = {sizeof(gander_plugin),
                                     BAD == FUTURE_MAJOR ? 2u << 16 : GANDER_ABI,
                                     BAD == NEEDS_NEWER_HOST ? GANDER_ABI + 7 : GANDER_ABI,
                                     0,
                                     "org.bad",
                                     "1",
                                     "",
                                     "",
                                     "",
                                     "",
                                     sizeof(gander_component),
                                     BAD == OFFERS_NOTHING ? 0 : 1,
                                     &component};

GANDER_EXPORT const gander_plugin* gander_plugin_v1(uint32_t host_abi) {
  (void)host_abi;
  return BAD == NULL_ENTRY ? 0 : &plugin;
}
