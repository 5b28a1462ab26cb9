#include <unistd.h>

#include "config_support.h"

namespace gander {
namespace {

using namespace std::chrono_literals;

TEST(Config, ReadsEveryKey) {
  const Config config = parse(kWhole);
  expect_whole(config);
  EXPECT_EQ(config.brokers[0].url, "redis://ada:s3cret@localhost:6379/1");
  EXPECT_EQ(config.brokers[0].where, "gander.toml:5");
  config.check();
}

TEST(Config, AnEmptyFileIsTheDefaults) {
  const Config config = parse("");
  EXPECT_EQ(config.worker.threads, 5);
  EXPECT_EQ(config.worker.prefetch, WorkerConfig::kAutomatic);
  EXPECT_EQ(config.worker.shutdown_timeout, 30s);
  EXPECT_EQ(config.client.timeout, 5s);
  EXPECT_EQ(config.client.queue, "default");
  EXPECT_EQ(config.retry.max_retries, 27);
  EXPECT_EQ(config.retry.max_crashes, 3);
  EXPECT_EQ(config.resolve_broker().url, "sqlite:gander.db");
  config.check();
}

TEST(Config, TwoBrokersOfOneNameAreRefusedWithLineAndColumn) {
  const std::string text =
      refusal([] { parse("[brokers.main]\nurl='a:'\n\n[brokers.main]\nurl='b:'"); });
  EXPECT_EQ(text.find("gander.toml:4:"), 0U) << text;
  EXPECT_NE(text.find("main"), std::string::npos) << text;
}

TEST(Config, VariablesAndFilesKeepSecretsOutOfTheFile) {
  const Temporary temporary;
  const std::string secret = temporary.write("password", "p${w}\n\n");
  const Config config = parse(
      "broker = 'redis://u:${PW}@${HOST}/$${x}'\n"
      "[brokers.main]\nurl = 'redis:'\npassword = 'file:" +
          secret +
          "'\n"
          "[brokers.cloud]\nurl = 'redis:'\npassword = 'file:${DIR}/password'",
      {{"PW", "file:/a${b}"}, {"HOST", "h"}, {"DIR", temporary.folder()}});
  EXPECT_EQ(config.broker, "redis://u:file:/a${b}@h/${x}");
  EXPECT_EQ(config.brokers[0].options.at("password"), "p${w}\n");  // one newline goes
  EXPECT_EQ(config.brokers[1].options.at("password"), "p${w}\n");
}

TEST(Config, AnUnreadableSecretIsRefused) {
  const Temporary temporary;
  const std::string secret = temporary.write("password", "x");
  std::filesystem::permissions(secret, std::filesystem::perms::none);
  const bool root = geteuid() == 0;  // who may read everything
  ASSERT_EQ(root ? seteuid(65534) : 0, 0);
  const std::string text = refusal([&] { parse("broker = 'file:" + secret + "'"); });
  ASSERT_EQ(root ? seteuid(0) : 0, 0);
  EXPECT_NE(text.find("'" + secret + "': Permission denied"), std::string::npos) << text;
}

TEST(Config, EnvironmentOverridesTheFileAndFlagsBoth) {
  const Temporary temporary;
  const std::string secret = temporary.write("secret", "from file\n");
  Config config = parse(
      "[worker]\nthreads = 2\n[log]\nlevel = 'error'\n[brokers.my-main]\n"
      "url = 'redis:'\npool = 1");
  config.apply_environment({{"GANDER_WORKER_THREADS", "3"},
                            {"GANDER_WORKER_QUEUES", "a,b"},
                            {"GANDER_WORKER_SHUTDOWN_TIMEOUT", "1m"},
                            {"GANDER_LOG_LEVEL", "warn"},
                            {"GANDER_BROKER", "my-main"},
                            {"GANDER_RETRY_SKIP_DEAD", "true"},
                            {"GANDER_PLUGIN_PATH", "/a:/b"},
                            {"GANDER_CLIENT_QUEUE", "a"},
                            {"GANDER_BROKERS_MY_MAIN_URL", "redis://env"},
                            {"GANDER_BROKERS_MY_MAIN_POOL_SIZE", "4"},
                            {"GANDER_BROKERS_MY_MAIN_PASSWORD", "file:" + secret},
                            {"GANDER_BROKERS_SPARE_URL", "sqlite:x"},
                            {"GANDER_METRICS_STATSD_HOST", "h"},
                            {"GANDER_QUEUES_MAIL_WEIGHT", "9"},
                            {"GANDER_CONFIG", "ignored"},
                            {"GANDER_SQLITE_URL", "somebody else's"},
                            {"PATH", "/bin"}});
  EXPECT_EQ(config.worker.threads, 3);
  EXPECT_EQ(config.worker.queues, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config.worker.shutdown_timeout, 60s);
  EXPECT_EQ(config.log.level, "warn");
  EXPECT_TRUE(config.retry.skip_dead);
  EXPECT_EQ(config.plugin_path, (std::vector<std::string>{"/a", "/b"}));
  ASSERT_EQ(config.brokers.size(), 2U);
  EXPECT_EQ(config.resolve_broker().url, "redis://env");
  EXPECT_EQ(config.brokers[0].options,
            (std::map<std::string, std::string>{
                {"pool", "1"}, {"pool_size", "4"}, {"password", "from file"}}));
  EXPECT_EQ(config.brokers[1].name, "spare");
  EXPECT_EQ(config.metrics.at(0).options.at("host"), "h");
  EXPECT_EQ(config.queues.at(0).weight, 9);
  EXPECT_TRUE(config.warnings.empty());

  config.set("worker.threads", "4", "--threads");
  config.set("brokers.spare.url", "sqlite:y");
  EXPECT_EQ(config.worker.threads, 4);
  EXPECT_EQ(config.resolve_broker("spare").url, "sqlite:y");
}

TEST(Config, MistakesInEnvironmentAndFlagsNameTheirOrigin) {
  Config config;
  EXPECT_EQ(refusal([&] {
              config.apply_environment({{"GANDER_WORKER_THREADS", "many"}});
            }),
            "environment GANDER_WORKER_THREADS: worker.threads: must be a whole number from 1 to "
            "1024, not 'many'");
  EXPECT_EQ(refusal([&] { config.set("worker.thread", "4", "--set"); }),
            "--set: worker.thread: unknown key; did you mean 'worker.threads'?");
  EXPECT_NE(refusal([&] { config.set("brokers.main", "4"); }).find("such as brokers.main.plugin"),
            std::string::npos);
  config.apply_environment({{"GANDER_WORKER_THREAD", "8"}});
  ASSERT_EQ(config.warnings.size(), 1U);
  EXPECT_NE(config.warnings[0].find("GANDER_WORKER_THREAD is no setting; did you mean "
                                    "'GANDER_WORKER_THREADS'?"),
            std::string::npos)
      << config.warnings[0];
}

TEST(Config, StandardReadsTheNamedFileOrTheOneOfTheFolderThenTheEnvironment) {
  const Temporary temporary;
  const std::string named = temporary.write("named.toml", "[worker]\nthreads = 7");
  (void)temporary.write("gander.toml", "[worker]\nthreads = 9");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(temporary.folder());
  const int by_name = Config::standard({{"GANDER_CONFIG", named}}).worker.threads;
  const int by_folder = Config::standard({}).worker.threads;
  const int by_environment = Config::standard({{"GANDER_WORKER_THREADS", "2"}}).worker.threads;
  std::filesystem::remove(temporary.folder() + "/gander.toml");
  const int by_default = Config::standard({}).worker.threads;
  std::filesystem::current_path(before);
  EXPECT_EQ(by_name, 7);
  EXPECT_EQ(by_folder, 9);
  EXPECT_EQ(by_environment, 2);
  EXPECT_EQ(by_default, 5);
  EXPECT_NE(refusal([] {
              (void)Config::standard({{"GANDER_CONFIG", "/no/such.toml"}});
            }).find("'/no/such.toml'"),
            std::string::npos);
}

TEST(Config, ABrokerIsMeantByNameOrByUrl) {
  const Config config = parse("[brokers.main]\nurl = 'redis:'\n[brokers.b]\nplugin = 'kafka'");
  EXPECT_EQ(config.resolve_broker("b").plugin, "kafka");
  EXPECT_EQ(config.resolve_broker("sqlite:x.db").url, "sqlite:x.db");
  EXPECT_EQ(config.resolve_broker("sqlite:x.db").name, "");
}

}  // namespace
}  // namespace gander
