#include "error.h"

#include <algorithm>

namespace gander::rabbitmq {
namespace {

constexpr std::uint32_t kRetry = GANDER_ERROR_RETRYABLE;
constexpr std::uint32_t kAnew = GANDER_ERROR_RETRYABLE | GANDER_ERROR_RECONNECT;

// The server's text tells apart what shares a code; an empty part matches any text.
struct Meaning {
  int code;
  std::string_view part;
  gander_status status;
  std::uint32_t flags;
  const char* remedy;
};
constexpr Meaning kMeanings[] = {
    {403, "Login was refused", GANDER_UNAUTHENTICATED, 0, "correct username and password"},
    {403, "exclusive", GANDER_UNAVAILABLE, kRetry, "somebody else works on that queue; wait"},
    {403, "", GANDER_FORBIDDEN, 0, "give the user the right to "},  // and which
    // Before the others, of which the server says the words as well.
    {530, "limit (", GANDER_UNAVAILABLE, kAnew, "close other connections, or raise the limit"},
    {530, "not found", GANDER_CONFIG, 0, "make the vhost (rabbitmqctl add_vhost), or correct url"},
    {530, "refused for user", GANDER_FORBIDDEN, 0,
     "give the user rights in the vhost (rabbitmqctl set_permissions)"},
    {530, "", GANDER_FORBIDDEN, 0, "see the server's log"},
    {406, "inequivalent arg", GANDER_CONFIG, 0,
     "somebody else declared it with other arguments: delete it, or set another 'prefix'"},
    {406, "larger than", GANDER_TOO_LARGE, 0, "raise max_message_size of the server"},
    {406, "limit in vhost", GANDER_FULL, kRetry,
     "delete queues that are not needed, or raise the limit of the vhost"},
    {406, "timed out", GANDER_LEASE_LOST, 0,
     "a job ran longer than the server's consumer_timeout: raise that"},
    {311, "", GANDER_TOO_LARGE, 0, "the server's limit is lower than max_body_bytes"},
    {404, "", GANDER_UNAVAILABLE, kRetry, "it was deleted; it is declared again at the next try"},
    {405, "", GANDER_UNAVAILABLE, kRetry, "somebody else works on it; wait"},
    {320, "", GANDER_UNAVAILABLE, kAnew, "the server is going down, or an operator closed it"},
    {506, "", GANDER_FULL, kRetry, "the server has reached a limit; see its log"},
    {540, "", GANDER_UNSUPPORTED, 0, "RabbitMQ 3.10 or newer is needed"},
    {541, "", GANDER_UNAVAILABLE, kAnew, "the server is in trouble; see its log"},
};

// Before 3.12 the server does not say which right was missing; and what of ours it refused may be
// another method than the one that waits for an answer.
std::string_view right_for(amqp_method_number_t method, std::string_view text) {
  switch (method) {
    case AMQP_BASIC_PUBLISH_METHOD: return "write to";
    case AMQP_BASIC_CONSUME_METHOD:
    case AMQP_QUEUE_PURGE_METHOD: return "read";
    case AMQP_QUEUE_BIND_METHOD:
    case AMQP_QUEUE_UNBIND_METHOD:
      return text.find("exchange '") == std::string_view::npos ? "write to" : "read";
    case AMQP_EXCHANGE_BIND_METHOD: return "read and write to";  // of two, it may be either
    default: return "configure";
  }
}

std::string remedy(const Meaning& m, amqp_method_number_t method, std::string_view text) {
  if (m.code != 403 || m.status != GANDER_FORBIDDEN) return m.remedy;
  return m.remedy + std::string(right_for(method, text)) +
         " it (rabbitmqctl set_permissions; the page of the RabbitMQ broker lists all)";
}

}  // namespace

sdk::Error closed_by_server(int code, std::string_view text, bool whole_connection,
                            const std::string& where, const std::string& doing,
                            amqp_method_number_t method) {
  const auto* m = std::ranges::find_if(kMeanings, [&](const Meaning& each) {
    return each.code == code && text.find(each.part) != std::string_view::npos;
  });
  const std::string what = where + ": " + doing + ": " + std::string(text);
  if (m == std::end(kMeanings))
    return {GANDER_INTERNAL, what + "; this is a defect of the plugin; please report it",
            GANDER_ERROR_RECONNECT, code, std::to_string(code)};
  const std::uint32_t anew = whole_connection ? std::uint32_t{GANDER_ERROR_RECONNECT} : 0U;
  return {m->status, what + "; " + remedy(*m, method, text), m->flags | anew, code,
          std::to_string(code)};
}

sdk::Error library_error(int status, const std::string& where, const std::string& doing) {
  const std::string what = where + ": " + doing + ": " + amqp_error_string2(status);
  switch (status) {
    case AMQP_STATUS_NO_MEMORY: return {GANDER_NO_MEMORY, what, kAnew, status};
    case AMQP_STATUS_TIMEOUT: return {GANDER_TIMEOUT, what, kAnew, status};
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED:
      return {GANDER_UNAVAILABLE, what + "; check the host in url", kAnew, status};
    case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
    case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
      return {GANDER_UNAVAILABLE, what + "; check tls_ca_file and the server's certificate", kAnew,
              status};
    default: return {GANDER_UNAVAILABLE, what, kAnew, status};
  }
}

sdk::Error lost_connection(const std::string& where, const std::string& why, std::uint32_t flags) {
  return {GANDER_UNAVAILABLE, where + ": " + why, kAnew | flags};
}

sdk::Error timed_out(const std::string& where, const std::string& doing, std::uint32_t flags) {
  return {GANDER_TIMEOUT, where + ": " + doing + " in time", kRetry | flags};
}

sdk::Error blocked(const std::string& where, std::string_view reason) {
  return {GANDER_FULL,
          where + ": the server takes no messages now: " + std::string(reason) +
              "; give it memory or disk space, or let workers make room",
          kRetry, 0, "blocked"};
}

sdk::Error lease_lost(const std::string& where, const std::string& incarnation,
                      const std::string& why) {
  return {GANDER_LEASE_LOST,
          where + ": incarnation '" + incarnation + "' has ended: " + why + "; begin a new one"};
}

}  // namespace gander::rabbitmq
