#include "error.h"

namespace gander::kafka {
namespace {

constexpr std::uint32_t kRetry = GANDER_ERROR_RETRYABLE;

struct Meaning {
  gander_status code;
  std::uint32_t flags;
  const char* remedy;
};

Meaning meaning_of(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return {GANDER_UNAUTHENTICATED, 0,
              "correct the options 'username', 'password' and 'sasl_mechanism'"};
    case RD_KAFKA_RESP_ERR__SSL:
      return {GANDER_UNAUTHENTICATED, 0,
              "look at the option 'tls' and at ssl.ca.location in 'properties'"};
    // A producer that may write no topic at all is refused by the cluster as such.
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return {GANDER_FORBIDDEN, 0,
              "grant the user read, write, create, describe, describe configs and delete on topics "
              "that begin with the option 'prefix'"};
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return {GANDER_FORBIDDEN, 0,
              "grant the user read on the group of the name in the option 'prefix'"};
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return {GANDER_FORBIDDEN, 0,
              "grant the user write on transactional ids that begin with the option 'prefix'"};
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return {GANDER_TOO_LARGE, 0,
              "raise max.message.bytes of the topic, or lower the option 'max_body_bytes'"};
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return {GANDER_NOT_FOUND, kRetry,
              "create the topic, or let the option 'create_topics' do it"};
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
      return {GANDER_UNAVAILABLE, kRetry,
              "a partition of it has no leader; start the brokers that are down"};
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return {
          GANDER_UNAVAILABLE, kRetry,
          "fewer replicas are in sync than min.insync.replicas asks for; start the brokers that "
          "are down"};
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
      return {GANDER_CONFIG, 0, "lower the option 'replication': there are not so many brokers"};
    case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
      return {GANDER_CONFIG, 0, "raise the cluster's offset.metadata.max.bytes to 4096"};
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
      return {
          GANDER_CONFIG, 0,
          "the option 'lease_ms' must lie within the cluster's group.min.session.timeout.ms and "
          "group.max.session.timeout.ms"};
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
      return {GANDER_FULL, kRetry, "look at the disk of the broker"};
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
      return {GANDER_THROTTLED, kRetry, "try again later"};
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return {GANDER_TIMEOUT, kRetry, "the cluster is slow or away; try again later"};
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: return {GANDER_CONFIG, 0, "correct the options"};
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return {GANDER_UNAVAILABLE, kRetry | GANDER_ERROR_RECONNECT,
              "another process goes by the same name: give each an option 'member' of its own"};
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
      return {GANDER_UNAVAILABLE, kRetry | GANDER_ERROR_RECONNECT, "begin anew"};
    default: return {GANDER_UNAVAILABLE, kRetry, "try again later"};
  }
}

}  // namespace

sdk::Error error_of(rd_kafka_resp_err_t code, const std::string& where, const std::string& doing,
                    const std::string& detail, std::uint32_t flags) {
  const Meaning meaning = meaning_of(code);
  const std::string said = detail.empty() ? rd_kafka_err2str(code) : detail;
  return {meaning.code, where + ": " + doing + ": " + said + "; " + meaning.remedy,
          meaning.flags | flags, code, rd_kafka_err2name(code)};
}

sdk::Error with_flags(const sdk::Error& error, std::uint32_t flags) {
  return {error.code(), error.what(), flags, error.native_code(), error.native()};
}

bool is_refusal(rd_kafka_resp_err_t code) { return meaning_of(code).code == GANDER_FORBIDDEN; }

bool is_fenced(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR__STATE: return true;
    default: return false;
  }
}

bool is_overtaken(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

}  // namespace gander::kafka
