// gander/config.h -- every setting, with its default, on one page.
//
// Settings come from a TOML file, then the environment, then flags; the later wins. A wrong one
// throws Error(config), which names the place ("gander.toml:12"), the key, what was wrong and what
// would be right; an unknown key names the nearest one there is. docs/configuration.md has the
// file's grammar. A Config is a plain value: copy it, change it, share it read-only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gander {

// NAME=value, as the process has them.
using Environment = std::map<std::string, std::string>;

// The environment of this process; empty when it runs with raised privileges (set-user-id, file
// capabilities), where whoever started it must not choose its plugins and brokers.
[[nodiscard]] Environment process_environment();

// [brokers.<name>]: one of plugin and url at least; what else stands there is an option of the
// plugin, which checks it by its schema.
struct BrokerConfig {
  std::string name;    // empty when it was given as a bare URL
  std::string plugin;  // empty: the one that serves the URL's scheme
  std::string url;
  std::map<std::string, std::string> options;
  std::string where;  // "gander.toml:12", for errors
};

// [queues]: name = { weight = 1 }
struct QueueConfig {
  std::string name;
  int weight = 1;  // 1..1000: share of the workers' attention beside the other queues
};

// [metrics.<name>]: what stands beside `plugin` is an option of it.
struct SinkConfig {
  std::string name;
  std::string plugin;  // empty in the file: the name
  std::map<std::string, std::string> options;
  std::string where;
};

struct LogConfig {
  std::string level = "info";   // trace, debug, info, warn, error, off
  std::string format = "text";  // text, json
};

struct ClientConfig {
  std::string queue = "default";            // of a job enqueued without one
  std::chrono::milliseconds timeout{5000};  // of each enqueue: it then fails, it never hangs
};

struct WorkerConfig {
  static constexpr int kAutomatic = -1;
  int threads = 5;                  // 1..1024: jobs that run at once
  std::vector<std::string> queues;  // served; empty: those of [queues], or else client.queue
  int prefetch = kAutomatic;        // 0..100000 messages held beyond those that run. Leave it alone
                              // unless jobs are long and several workers share a queue: then 0
  std::chrono::milliseconds shutdown_timeout{30'000};  // what runs may end by then; > 0
};

struct RetryConfig {
  int max_retries = 27;    // 0..1000: runs = 1 + max_retries; the default delays make 3 weeks of 27
  int max_crashes = 3;     // 0..100: a job whose process died this often and once more is dead
  std::string queue;       // retries go here; empty: the queue they came from
  bool skip_dead = false;  // true: drop a job that is out of retries, keep no dead letter
};

enum class ShowFormat { toml, json };

// Tells whether an option of a plugin is secret by its schema ("x-secret").
using SecretTest = std::function<bool(std::string_view plugin, std::string_view option)>;

struct Config {
  // A name from [brokers] or a URL. Empty: the only one of [brokers]; if there is none at all,
  // kDefaultBroker.
  std::string broker;
  static constexpr std::string_view kDefaultBroker = "sqlite:gander.db";

  std::vector<BrokerConfig> brokers;  // in the order of the file
  std::vector<QueueConfig> queues;
  std::vector<SinkConfig> metrics;
  std::chrono::milliseconds metrics_interval{10'000};  // 100 ms or more, between two exports
  ClientConfig client;
  WorkerConfig worker;
  RetryConfig retry;
  LogConfig log;
  std::vector<std::string> plugin_path;  // absolute folders, searched before the installed one

  // What is odd, but no reason to stop: a variable of the environment that looks like a setting
  // and is none. For the log.
  std::vector<std::string> warnings;

  // A file alone. `${VAR}` comes from `environment`.
  static Config load(const std::string& path,
                     const Environment& environment = process_environment());
  // The text of one; `name` stands in errors for the file's.
  static Config parse(std::string_view text, const std::string& name,
                      const Environment& environment = process_environment());
  // What a program should start from: the file $GANDER_CONFIG, or else ./gander.toml when it
  // exists (not with raised privileges), or else the defaults; then the environment. Not checked
  // yet, as flags may follow.
  static Config standard(const Environment& environment = process_environment());

  // GANDER_WORKER_THREADS=8 is worker.threads, GANDER_BROKERS_MAIN_URL is brokers.main.url.
  void apply_environment(const Environment& environment);
  // One key by its path, "worker.threads"; for flags. `origin` stands in errors.
  void set(const std::string& path, const std::string& value, const std::string& origin = "flag");

  // What needs the whole: that `broker` exists and each broker says what it is, and that
  // worker.queues are among [queues], if there are any. Call it once, after flags.
  void check() const;

  // The broker of this name, or of this URL; an empty text stands for `broker`. An unknown name is
  // Error(config) and lists those there are.
  [[nodiscard]] BrokerConfig resolve_broker(std::string_view name_or_url = {}) const;

  // The whole, defaults included, as text that parse() reads again. Secrets are "***": passwords in
  // URLs, what `is_secret` says, what is called like one, and what came from `file:` or `${VAR}`.
  [[nodiscard]] std::string show(ShowFormat format, const SecretTest& is_secret = {}) const;

  // Paths of options that came from `file:` or `${VAR}`, "brokers.main.password".
  std::vector<std::string> secret_paths;
};

// `text` with each secret in it replaced by "***": user:pass@ in URLs, values of key=value pairs
// whose key is named like a secret. Where it is unsure it hides more: a password may hold '/' or
// '@' that nobody encoded. For everything that prints a URL.
[[nodiscard]] std::string mask_secrets(std::string_view text);

// Called like a secret: holds "password", "secret", "token", ...
[[nodiscard]] bool is_secret_name(std::string_view name);

}  // namespace gander
