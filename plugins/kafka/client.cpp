#include "client.h"

#include <algorithm>
#include <array>
#include <future>
#include <thread>

namespace gander::kafka {
namespace {

constexpr std::chrono::milliseconds kLook{200}, kLeast{1};
constexpr std::chrono::seconds kDestroyTime{5};
// librdkafka says the same of a broker once in 30 s. What it has not said for longer is over.
constexpr std::chrono::seconds kComplaintLasts{40};
constexpr int kScramWorks = 0x020601ff;  // before, it sent its nonce twice

// An error of the connection by itself: anything else is an answer of the cluster.
bool is_silence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
         code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
         code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

// A server that goes away may do so in the midst of a handshake, which says nothing of
// certificates.
bool is_cut_off(rd_kafka_resp_err_t code, std::string_view reason) {
  const auto says = [&](std::string_view what) { return reason.find(what) != reason.npos; };
  return code == RD_KAFKA_RESP_ERR__SSL &&
         (says("unexpected eof") || says("Disconnected") || says("transport error"));
}

std::int32_t level_of(int syslog) {
  if (syslog <= 3) return GANDER_LOG_WARN;  // librdkafka tries again by itself, whatever it is
  return GANDER_LOG_DEBUG;
}

}  // namespace

Config::Config(const Settings& settings) : conf_(rd_kafka_conf_new()) {
  set("bootstrap.servers", settings.servers);
  set("client.id", "gander");
  set("socket.keepalive.enable", "true");
  set("reconnect.backoff.ms", 50);
  set("reconnect.backoff.max.ms", 1000);
  set("allow.auto.create.topics", "false");
  set("topic.metadata.refresh.interval.ms", 30'000);
  const bool sasl = !settings.username.empty();
  set("security.protocol",
      sasl ? (settings.tls ? "sasl_ssl" : "sasl_plaintext") : (settings.tls ? "ssl" : "plaintext"));
  if (!sasl) return;
  set("sasl.mechanism", settings.sasl_mechanism);
  set("sasl.username", settings.username);
  set("sasl.password", settings.read_password());
}

Config& Config::set(const char* key, const std::string& value) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf_.get(), key, value.c_str(), why.data(), why.size()) !=
      RD_KAFKA_CONF_OK)
    // Not librdkafka's own text: it repeats the value, which may be a secret.
    throw sdk::Error(GANDER_CONFIG, std::string("option 'properties': librdkafka ") +
                                        rd_kafka_version_str() + " does not take '" + key +
                                        "' with this value; correct it or leave it out");
  return *this;
}

Config& Config::fetch_on_soon() {
  constexpr const char* kKey = "fetch.queue.backoff.ms";
  std::size_t size = 0;
  const bool known = rd_kafka_conf_get(conf_.get(), kKey, nullptr, &size) == RD_KAFKA_CONF_OK;
  return known ? set(kKey, 10) : *this;
}

Client::Client(rd_kafka_type_t type, Config config, const Settings& settings, sdk::Host host,
               void* owner)
    : settings_(settings), host_(host), owner_(owner), voice_(new Voice{this, host}) {
  // Last, so that they count: what the guarantees rest on is not among them.
  for (const auto& [key, value] : settings.properties) config.set(key.c_str(), value);
  rd_kafka_conf_set_error_cb(config.get(), on_error);
  rd_kafka_conf_set_log_cb(config.get(), on_log);
  rd_kafka_conf_set_opaque(config.get(), voice_.get());
  std::array<char, 512> why{};
  rk_ = rd_kafka_new(type, config.get(), why.data(), why.size());
  if (rk_ == nullptr)
    throw sdk::Error(GANDER_CONFIG, std::string("librdkafka refuses its options: ") + why.data());
  static_cast<void>(config.release());  // rd_kafka_new() took it
}

Client::~Client() {
  std::promise<void> ended;
  const auto end = ended.get_future();
  std::thread thread([rk = rk_, voice = voice_, done = std::move(ended)]() mutable {
    // Whoever has something to say in farewell has said it: closing again would wait.
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    done.set_value();
  });
  if (end.wait_for(kDestroyTime) == std::future_status::ready) {
    thread.join();
    return;
  }
  host_.log(GANDER_LOG_WARN,
            "librdkafka does not end a connection; it is left behind until the process ends");
  voice_->silent = true;
  thread.detach();
}

void Client::on_error(rd_kafka_t* /*rk*/, int code, const char* reason, void* opaque) {
  Client& self = *static_cast<Voice*>(opaque)->client;
  const std::lock_guard lock(self.mutex_);
  // That all are down says less than why the last one was.
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && self.complained()) return;
  const auto what = static_cast<rd_kafka_resp_err_t>(code);
  self.last_ = is_cut_off(what, reason) ? RD_KAFKA_RESP_ERR__TRANSPORT : what;
  self.last_text_ = reason;
  self.last_at_ = std::chrono::steady_clock::now();
}

// Not long ago. Under mutex_.
bool Client::complained() const {
  return !last_text_.empty() && std::chrono::steady_clock::now() - last_at_ < kComplaintLasts;
}

void Client::on_log(const rd_kafka_t* rk, int level, const char* facility, const char* text) {
  const auto* voice = static_cast<const Voice*>(rd_kafka_opaque(rk));
  if (voice == nullptr || voice->silent) return;
  voice->host.log(level_of(level), std::string("librdkafka: ") + facility + ": " + text);
}

void Client::connect(const sdk::Deadline& deadline) {
  {
    const std::lock_guard lock(mutex_);
    last_text_.clear();
    last_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(ms_left(deadline, settings_.connect_timeout));
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    const rd_kafka_metadata_t* raw = nullptr;
    const auto code = rd_kafka_metadata(rk_, 0, nullptr, &raw,
                                        static_cast<int>(std::clamp(left, kLeast, kLook).count()));
    const Owned<const rd_kafka_metadata_t> metadata(raw);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const std::lock_guard lock(mutex_);
      was_let_in_ = true;
      return;
    }
    hear();  // what stands in the way
    if (!refused() && std::chrono::steady_clock::now() < until) continue;
    advise();
    // With nobody there only the time runs out, and that is no timeout of a call.
    throw error(code == RD_KAFKA_RESP_ERR__TIMED_OUT ? RD_KAFKA_RESP_ERR__TRANSPORT : code,
                "connecting");
  }
}

// What librdkafka calls by other names than we do, or cannot know.
void Client::advise() {
  const std::lock_guard lock(mutex_);
  if (last_ == RD_KAFKA_RESP_ERR__AUTHENTICATION && settings_.sasl_mechanism.starts_with("SCRAM") &&
      rd_kafka_version() < kScramWorks)
    last_text_ += std::string("; SCRAM of librdkafka ") + rd_kafka_version_str() +
                  " is refused by Kafka 4.0 and newer, whatever the password: take librdkafka "
                  "2.6.1 or newer, or 'plain' with 'tls'";
  // Somebody was there, and hung up.
  if (last_ == RD_KAFKA_RESP_ERR__TRANSPORT && last_text_.find("CONNECT") == std::string::npos)
    last_text_ += "; if it stays so, look at the options 'tls' and 'username'";
}

// Trying on, as librdkafka does, gives the same answer.
bool Client::refused() const {
  const std::lock_guard lock(mutex_);
  return last_ == RD_KAFKA_RESP_ERR__AUTHENTICATION || last_ == RD_KAFKA_RESP_ERR__SSL;
}

Owned<const rd_kafka_metadata_t> Client::metadata(const std::string& doing,
                                                  const sdk::Deadline& deadline,
                                                  const std::string& topic) {
  const Owned<rd_kafka_topic_t> one(
      topic.empty() ? nullptr : rd_kafka_topic_new(rk_, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* raw = nullptr;
  const auto code = rd_kafka_metadata(rk_, topic.empty() ? 1 : 0, one.get(), &raw,
                                      ms_left(deadline, settings_.call_timeout));
  Owned<const rd_kafka_metadata_t> metadata(raw);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw error(code, doing);
  return metadata;
}

sdk::Error Client::error(rd_kafka_resp_err_t code, const std::string& doing,
                         const std::string& detail, std::uint32_t flags) const {
  const std::lock_guard lock(mutex_);
  std::array<char, 256> why{};
  if (code == RD_KAFKA_RESP_ERR__FATAL)  // of its first error it says no more than that
    if (const auto cause = rd_kafka_fatal_error(rk_, why.data(), why.size()); is_refusal(cause))
      return error_of(cause, settings_.where(), doing, why.data(), flags | GANDER_ERROR_RECONNECT);
  if (is_silence(code) && complained())
    return error_of(last_, settings_.where(), doing, last_text_,
                    flags | (was_let_in_ ? std::uint32_t{GANDER_ERROR_RETRYABLE} : 0U));
  return error_of(code, settings_.where(), doing, detail, flags);
}

sdk::Deadline after(std::chrono::microseconds time) {
  const gander_call call{sizeof call, 0, std::max<std::int64_t>(time.count(), 0), {nullptr, 0}};
  return sdk::Deadline(&call);
}

sdk::Deadline within(const sdk::Deadline& deadline, std::chrono::microseconds most) {
  if (deadline.at())
    most = std::min(most, std::chrono::duration_cast<std::chrono::microseconds>(
                              *deadline.at() - std::chrono::steady_clock::now()));
  return after(most);
}

int ms_left(const sdk::Deadline& deadline, std::chrono::milliseconds most) {
  if (!deadline.at()) return static_cast<int>(most.count());
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      *deadline.at() - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), most).count());
}

}  // namespace gander::kafka
