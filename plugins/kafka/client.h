// One handle of librdkafka: a connection to the cluster, with threads of its own that end with it.
// librdkafka connects, and reconnects, by itself; what it last complained of is kept for the errors
// of those who then wait in vain. [any]
#pragma once

#include <atomic>
#include <gander/sdk/broker.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "error.h"
#include "handle.h"
#include "settings.h"

namespace gander::kafka {

// What a handle is for: properties beside those that all have in common.
class Config {
 public:
  // Throws CONFIG, naming what librdkafka does not know in the option 'properties'.
  explicit Config(const Settings& settings);
  Config& set(const char* key, const std::string& value);
  Config& set(const char* key, std::int64_t value) { return set(key, std::to_string(value)); }
  // Where a limit of what is fetched ahead was met: to fetch on soon. librdkafka before 2.2 cannot
  // be told so, and waits for a second.
  Config& fetch_on_soon();
  rd_kafka_conf_t* get() { return conf_.get(); }
  rd_kafka_conf_t* release() { return conf_.release(); }

 private:
  Owned<rd_kafka_conf_t> conf_;
};

class Client {
 public:
  // `owner` is for callbacks that `config` sets: their opaque is the Client.
  Client(rd_kafka_type_t type, Config config, const Settings& settings, sdk::Host host,
         void* owner = nullptr);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // librdkafka may never come to the end of it (2.0.2 counts wrongly when it was asked for the
  // offsets of a topic that was deleted). Then it is left behind, silent, so that a worker can
  // close.
  ~Client();

  [[nodiscard]] rd_kafka_t* get() const { return rk_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] sdk::Host host() const { return host_; }
  // The owner of the client that a callback with this opaque is about.
  static void* owner_of(void* opaque) { return static_cast<Voice*>(opaque)->client->owner_; }

  // Returns when the cluster has answered. Throws what stands in the way.
  void connect(const sdk::Deadline& deadline);

  // What librdkafka has complained of meanwhile; of one that nobody polls else.
  void hear() const { rd_kafka_poll(rk_, 0); }

  // Of every topic, or of one. Throws when the cluster does not answer; `doing` is for the text.
  Owned<const rd_kafka_metadata_t> metadata(const std::string& doing, const sdk::Deadline& deadline,
                                            const std::string& topic = {});

  // The error to throw for `code`: for a time that ran out it is what librdkafka complained of
  // lately, such as a refused password. Who was let in once may be again, so then it is retryable.
  [[nodiscard]] sdk::Error error(rd_kafka_resp_err_t code, const std::string& doing,
                                 const std::string& detail = {}, std::uint32_t flags = 0) const;
  [[nodiscard]] sdk::Error error(const rd_kafka_error_t* problem, const std::string& doing,
                                 std::uint32_t flags = 0) const {
    return error(rd_kafka_error_code(problem), doing, rd_kafka_error_string(problem), flags);
  }

 private:
  // What librdkafka's own threads call. It lives as long as they do.
  struct Voice {
    Client* client;
    sdk::Host host;
    std::atomic<bool> silent{false};
  };

  bool refused() const;
  bool complained() const;
  void advise();
  static void on_error(rd_kafka_t* rk, int code, const char* reason, void* opaque);
  static void on_log(const rd_kafka_t* rk, int level, const char* facility, const char* text);

  const Settings& settings_;
  sdk::Host host_;
  void* owner_;
  mutable std::mutex mutex_;
  rd_kafka_resp_err_t last_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string last_text_;
  std::chrono::steady_clock::time_point last_at_{};
  bool was_let_in_ = false;
  std::shared_ptr<Voice> voice_;
  rd_kafka_t* rk_ = nullptr;
};

// So long from now.
sdk::Deadline after(std::chrono::microseconds time);

// The deadline, or `most` from now if that is sooner: for what others wait behind.
sdk::Deadline within(const sdk::Deadline& deadline, std::chrono::microseconds most);

// What is left of a deadline, at most `most`, as the milliseconds that librdkafka takes.
int ms_left(const sdk::Deadline& deadline, std::chrono::milliseconds most);

}  // namespace gander::kafka
