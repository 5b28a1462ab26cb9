#include "producer.h"

#include <algorithm>
#include <iterator>

namespace gander::kafka {
namespace {

// How long the producer waits for more to put into one request, when nobody waits for it yet.
constexpr std::int64_t kLingerMs = 5;
constexpr std::chrono::milliseconds kPurgeTime{50};

Config config_for(const Settings& settings) {
  Config config(settings);
  config.set("enable.idempotence", "true");
  config.set("acks", "all");
  config.set("linger.ms", kLingerMs);
  // Calls have deadlines of their own; what is left over then is purged.
  config.set("message.timeout.ms", 300'000);
  config.set("retry.backoff.ms", 50);
  config.set("queue.buffering.max.messages", 100'000);
  config.set("queue.buffering.max.kbytes", 1'048'576);
  config.set("message.max.bytes", static_cast<std::int64_t>(settings.max_body + 65'536));
  return config;
}

// Sending it again, alone, gives the same answer.
bool is_refused(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
         code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
         code == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

bool is_final(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_NO_ERROR || is_refused(code);
}

}  // namespace

Producer::Producer(const Settings& settings, sdk::Host host, const sdk::Deadline& deadline)
    : client_(
          RD_KAFKA_PRODUCER,
          [&] {
            Config config = config_for(settings);
            rd_kafka_conf_set_dr_msg_cb(config.get(), on_report);
            return config;
          }(),
          settings, host, this) {
  client_.connect(deadline);
}

Producer::~Producer() {
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  topics_.clear();
}

rd_kafka_topic_t* Producer::topic(const std::string& name) {
  auto& place = topics_[name];
  if (!place) place.reset(rd_kafka_topic_new(client_.get(), name.c_str(), nullptr));
  return place.get();
}

// By its code alone a message may seem never to have gone out: one whose connection broke before it
// was answered lies in the queue again.
void Producer::on_report(rd_kafka_t* /*rk*/, const rd_kafka_message_t* message, void* opaque) {
  auto* result = static_cast<rd_kafka_resp_err_t*>(message->_private);
  if (result != nullptr) *result = message->err;
  if (!is_final(message->err) &&
      rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
    static_cast<Producer*>(Client::owner_of(opaque))->in_doubt_ = true;
}

// False: not all was answered by the deadline.
bool Producer::attempt(std::span<const Sent> records, std::span<const std::size_t> which,
                       std::vector<rd_kafka_resp_err_t>& results, const sdk::Deadline& deadline) {
  for (const std::size_t i : which) {
    const Sent& r = records[i];
    results[i] = RD_KAFKA_RESP_ERR__IN_PROGRESS;
    if (rd_kafka_produce(r.topic, r.partition, RD_KAFKA_MSG_F_COPY,
                         const_cast<char*>(r.value.data()), r.value.size(),
                         r.key.empty() ? nullptr : r.key.data(), r.key.size(), &results[i]) != 0)
      results[i] = rd_kafka_last_error();
  }
  // It does not linger while it is flushed.
  const auto flushed =
      rd_kafka_flush(client_.get(), ms_left(deadline, client_.settings().call_timeout));
  if (flushed == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(client_.get(), static_cast<int>(kPurgeTime.count()));
  return false;
}

// For one message that is too large the cluster refuses all that lie beside it in a request. So
// they are sent again by halves, until each that is refused was refused alone.
bool Producer::attempt_all(std::span<const Sent> records, std::vector<rd_kafka_resp_err_t>& results,
                           const sdk::Deadline& deadline) {
  std::vector<std::vector<std::size_t>> groups(1);
  for (std::size_t i = 0; i < records.size(); ++i) groups[0].push_back(i);
  while (!groups.empty()) {
    const std::vector<std::size_t> group = std::move(groups.back());
    groups.pop_back();
    if (!attempt(records, group, results, deadline)) {
      for (const auto& rest : groups)
        for (const std::size_t i : rest) results[i] = RD_KAFKA_RESP_ERR__IN_PROGRESS;
      return false;
    }
    std::vector<std::size_t> refused;
    std::ranges::copy_if(group, std::back_inserter(refused),
                         [&](std::size_t i) { return is_refused(results[i]); });
    if (group.size() == 1 || refused.empty()) continue;
    const auto middle = refused.begin() + static_cast<std::ptrdiff_t>((refused.size() + 1) / 2);
    if (middle != refused.end()) groups.emplace_back(middle, refused.end());
    groups.emplace_back(refused.begin(), middle);
  }
  return true;
}

std::vector<rd_kafka_resp_err_t> Producer::send(std::span<const Sent> records,
                                                const sdk::Deadline& deadline) {
  std::vector<rd_kafka_resp_err_t> results(records.size(), RD_KAFKA_RESP_ERR__IN_PROGRESS);
  in_doubt_ = false;
  const bool answered = attempt_all(records, results, deadline);
  const auto bad = std::ranges::find_if_not(results, is_final);
  if (bad == results.end()) return results;
  const bool some_stored = in_doubt_ || std::ranges::any_of(results, [](rd_kafka_resp_err_t code) {
                             return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
                                    code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
                                    code == RD_KAFKA_RESP_ERR__IN_PROGRESS;
                           });
  const std::uint32_t flags =
      (some_stored ? std::uint32_t{GANDER_ERROR_MAYBE_APPLIED} : 0U) |
      (!answered ? std::uint32_t{GANDER_ERROR_RECONNECT | GANDER_ERROR_RETRYABLE} : 0U);
  failed_ = rd_kafka_topic_name(records[static_cast<std::size_t>(bad - results.begin())].topic);
  throw client_.error(!answered ? RD_KAFKA_RESP_ERR__MSG_TIMED_OUT : *bad, "writing to " + failed_,
                      {}, flags);
}

}  // namespace gander::kafka
