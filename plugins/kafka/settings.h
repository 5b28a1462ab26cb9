// The options of one instance, read once and checked. Immutable afterwards; [any].
#pragma once

#include <chrono>
#include <cstdint>
#include <gander/sdk/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

namespace gander::kafka {

struct Settings {
  // Throws CONFIG, naming the option. No I/O.
  explicit Settings(const sdk::Options& options);

  // For messages: "kafka://db1:9092,db2:9092", never with a password.
  [[nodiscard]] std::string where() const { return "kafka://" + servers; }
  // From the option, the url, or the file, which is read now. Throws CONFIG when that cannot be.
  [[nodiscard]] std::string read_password() const;

  // As long the group waits at most for a member that does not join again, and so for all of them.
  [[nodiscard]] std::chrono::milliseconds longest_join() const;

  std::string servers;  // host:port,host:port
  std::string username;
  std::string password_file;
  std::string sasl_mechanism;
  bool tls;
  std::vector<std::pair<std::string, std::string>> properties;
  std::string prefix;
  std::string member;  // the name of this process in the group; empty: none
  bool create_topics;
  int partitions;
  int replication;  // 0: the cluster's default, as for the next
  int min_insync_replicas;
  std::int64_t lease_us;
  std::chrono::milliseconds rebalance_wait;
  std::chrono::milliseconds connect_timeout;
  std::chrono::milliseconds call_timeout;
  std::uint64_t max_body;
  std::int64_t dead_max_age_s;  // 0: no limit, as for the next
  std::int64_t dead_max_count;

 private:
  void read_url(const std::string& url);

  std::string password_;
};

}  // namespace gander::kafka
