// What the tests of configuration share.
#pragma once

#include <gander/config.h>
#include <gander/error.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gander {

inline Config parse(std::string_view text, const Environment& environment = {}) {
  return Config::parse(text, "gander.toml", environment);
}

// What an error of configuration says; empty when there is none.
template <class Function>
std::string refusal(Function&& function) {
  try {
    function();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::config);
    return e.what();
  }
  return {};
}

// A file or folder that ends with the test.
class Temporary {
 public:
  Temporary() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "gander-config-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~Temporary() { std::filesystem::remove_all(folder_); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  [[nodiscard]] std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  [[nodiscard]] std::string folder() const { return folder_.string(); }

 private:
  std::filesystem::path folder_;
};

// Every key, none at its default.
inline constexpr std::string_view kWhole = R"(
broker = "main"
plugin_path = ["/opt/plugins"]
metrics_interval = "5s"
[brokers.main]
plugin = "redis"
url = "redis://ada:s3cret@localhost:6379/1"
pool = 8
tls = true
[brokers.other]
url = "sqlite:jobs.db"
[queues]
critical = { weight = 6 }
default = {}
[metrics.statsd]
host = "stats"
port = 8126
[client]
queue = "critical"
timeout = "250ms"
[worker]
threads = 16
queues = ["critical", "default"]
prefetch = 3
shutdown_timeout = "2m"
[retry]
max_retries = 3
max_crashes = 1
queue = "again"
skip_dead = true
[log]
level = "debug"
format = "json"
)";

inline void expect_whole(const Config& config) {
  using namespace std::chrono_literals;
  EXPECT_EQ(config.broker, "main");
  EXPECT_EQ(config.plugin_path, std::vector<std::string>{"/opt/plugins"});
  EXPECT_EQ(config.metrics_interval, 5s);
  ASSERT_EQ(config.brokers.size(), 2U);
  EXPECT_EQ(config.brokers[0].name, "main");
  EXPECT_EQ(config.brokers[0].plugin, "redis");
  EXPECT_EQ(config.brokers[0].options,
            (std::map<std::string, std::string>{{"pool", "8"}, {"tls", "true"}}));
  EXPECT_EQ(config.brokers[1].plugin, "");
  EXPECT_EQ(config.brokers[1].url, "sqlite:jobs.db");
  ASSERT_EQ(config.queues.size(), 2U);
  EXPECT_EQ(config.queues[0].name, "critical");
  EXPECT_EQ(config.queues[0].weight, 6);
  EXPECT_EQ(config.queues[1].weight, 1);
  ASSERT_EQ(config.metrics.size(), 1U);
  EXPECT_EQ(config.metrics[0].name, "statsd");
  EXPECT_EQ(config.metrics[0].options,
            (std::map<std::string, std::string>{{"host", "stats"}, {"port", "8126"}}));
  EXPECT_EQ(config.client.queue, "critical");
  EXPECT_EQ(config.client.timeout, 250ms);
  EXPECT_EQ(config.worker.threads, 16);
  EXPECT_EQ(config.worker.queues, (std::vector<std::string>{"critical", "default"}));
  EXPECT_EQ(config.worker.prefetch, 3);
  EXPECT_EQ(config.worker.shutdown_timeout, 2min);
  EXPECT_EQ(config.retry.max_retries, 3);
  EXPECT_EQ(config.retry.max_crashes, 1);
  EXPECT_EQ(config.retry.queue, "again");
  EXPECT_TRUE(config.retry.skip_dead);
  EXPECT_EQ(config.log.level, "debug");
  EXPECT_EQ(config.log.format, "json");
}

}  // namespace gander
