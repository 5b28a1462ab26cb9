// gander_statsd.so, loaded as the file it is: exact lines at a UDP socket of this test, counts and
// timings at a collectd.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <gander/error.h>
#include <gander/sdk/metrics.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "../support/eventually.h"
#include "child.h"
#include "metrics_exporter.h"
#include "plugin_sink.h"

namespace gander {
namespace {

using namespace std::chrono_literals;
using Options = std::map<std::string, std::string>;

const gander_metrics_table* statsd_table() {
  static const gander_metrics_table* const table = [] {
    void* file = dlopen(GANDER_STATSD_PLUGIN, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (file == nullptr) throw std::runtime_error(dlerror());
    const auto entry =
        reinterpret_cast<decltype(&gander_plugin_v1)>(dlsym(file, "gander_plugin_v1"));
    const gander_plugin* plugin = entry(GANDER_ABI);
    EXPECT_STREQ(plugin->components[0].kind, GANDER_METRICS_KIND);
    return static_cast<const gander_metrics_table*>(plugin->components[0].table);
  }();
  return table;
}

const gander_host* host() {
  static const gander_host made = {
      sizeof(gander_host),
      GANDER_ABI,
      nullptr,
      "test",
      "1.0.0",
      [](const gander_host*, const char*) noexcept -> const void* { return nullptr; },
      [](const gander_host*, std::int32_t) noexcept -> std::int32_t { return 0; },
      [](const gander_host*, std::int32_t, gander_str, const gander_kv*, std::size_t) noexcept {},
      [](const gander_host*) noexcept -> std::int64_t { return 1; }};
  return &made;
}

class Receiver {
 public:
  explicit Receiver(int port = 0) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(port);
    const timeval patience{5, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("bind");
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Receiver() { ::close(socket_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  [[nodiscard]] int port() const { return port_; }

  // One packet; empty when none came within 5 s.
  [[nodiscard]] std::string packet() const {
    std::string buffer(70'000, '\0');
    const ssize_t n = recv(socket_, buffer.data(), buffer.size(), 0);
    buffer.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return buffer;
  }
  [[nodiscard]] std::vector<std::string> lines(std::size_t count) const {
    std::vector<std::string> out;
    while (out.size() < count) {
      std::istringstream in(packet());
      const std::size_t before = out.size();
      for (std::string line; std::getline(in, line);) out.push_back(line);
      if (out.size() == before) break;
    }
    return out;
  }
  [[nodiscard]] bool is_empty() const {
    char byte = 0;
    return recv(socket_, &byte, 1, MSG_DONTWAIT) < 0;
  }

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }

 private:
  int socket_;
  int port_ = 0;
};

std::unique_ptr<PluginSink> sink_to(int port, Options options = {}) {
  options.emplace("host", "127.0.0.1");
  options.emplace("port", std::to_string(port));
  return std::make_unique<PluginSink>(statsd_table(), host(), "statsd", options);
}

const std::vector<Label> kMail = {{"function", "mail.welcome"}, {"queue", "mail"}};
using Lines = std::vector<std::string>;

Point histogram_point(std::vector<std::pair<std::size_t, std::uint64_t>> buckets, double sum) {
  Point point;
  point.name = "job.execution_time";
  point.type = MetricType::histogram;
  point.buckets.resize(kHistogramBuckets);
  for (const auto& [i, n] : buckets) {
    point.buckets[i] = n;
    point.count += n;
  }
  point.sum = sum;
  return point;
}

TEST(Statsd, SendsDifferencesUnderTheNamesOfGoose) {
  const Receiver receiver;
  const auto sink = sink_to(receiver.port(), {{"prefix", "goose."}});
  Metrics metrics(1);
  const Counter processed = metrics.counter(metric::kProcessed, kMail);
  const Histogram time = metrics.histogram(metric::kExecutionTime, kMail);
  processed.add(3);
  time.record(4.0);
  sink->export_points(metrics.snapshot(2));
  EXPECT_EQ(receiver.lines(2),
            (Lines{"goose.jobs.processed:3|c|#function:mail.welcome,queue:mail",
                   "goose.job.execution_time:4|ms|#function:mail.welcome,queue:mail"}));

  processed.add(2);
  for (const double ms : {0.7, 0.8, 0.9}) time.record(ms);
  auto points = metrics.snapshot(3);
  points.emplace_back().name = metric::enqueued_name("mail");
  points.back().value = 17;
  sink->export_points(points);
  EXPECT_EQ(
      receiver.lines(3),
      (Lines{"goose.jobs.processed:2|c|#function:mail.welcome,queue:mail",
             "goose.job.execution_time:0.8|ms|@0.3333333333|#function:mail.welcome,queue:mail",
             "goose.enqueued_jobs.mail.count:17|g"}));

  sink->export_points(metrics.snapshot(4));  // nothing changed: nothing is said
  EXPECT_TRUE(receiver.is_empty());
}

TEST(Statsd, WritesTagsInEachStyle) {
  const std::map<std::string, std::string> expected = {
      {"datadog", "gander.jobs.failed:1|c|#function:mail.welcome,queue:mail"},
      {"influx", "gander.jobs.failed,function=mail.welcome,queue=mail:1|c"},
      {"graphite", "gander.jobs.failed;function=mail.welcome;queue=mail:1|c"},
      {"none", "gander.jobs.failed:1|c"}};
  for (const auto& [style, line] : expected) {
    const Receiver receiver;
    Metrics metrics(1);
    metrics.counter(metric::kFailed, kMail).add();
    sink_to(receiver.port(), {{"tags", style}})->export_points(metrics.snapshot(2));
    EXPECT_EQ(receiver.lines(1), Lines{line});
  }
}

TEST(Statsd, NamesCannotForgeALine) {
  const Receiver receiver;
  Metrics metrics(1);
  metrics.counter(metric::kFailed, {{"queue", "a:1|c\nb,c#d"}}).add();
  sink_to(receiver.port())->export_points(metrics.snapshot(2));
  EXPECT_EQ(receiver.lines(1), Lines{"gander.jobs.failed:1|c|#queue:a_1_c_b_c_d"});
}

TEST(Statsd, AGaugeBelowZeroIsNotADecrement) {
  const Receiver receiver;
  std::vector<Point> points(1);
  points[0].name = "balance";
  points[0].value = -4;
  sink_to(receiver.port())->export_points(points);
  EXPECT_EQ(receiver.lines(2), (Lines{"gander.balance:0|g", "gander.balance:-4|g"}));
}

TEST(Statsd, TheServerCountsEveryTimingAndItsMeanIsRight) {
  const Receiver receiver;
  for (const std::uint64_t n : {2ULL, 3ULL, 6ULL, 7ULL, 49ULL, 1'000ULL, 999'983ULL}) {
    const auto sink = sink_to(receiver.port(), {{"tags", "none"}});
    // 100..200 ms and 1..2 s
    const double sum = 130.0 * static_cast<double>(n) + 1'700.0;
    sink->export_points(std::vector{histogram_point({{10, n}, {13, 1}}, sum)});
    double counted = 0, total = 0;
    for (const std::string& line : receiver.lines(2)) {
      double value = 0, rate = 1;
      ASSERT_GE(std::sscanf(line.c_str(), "gander.job.execution_time:%lf|ms|@%lf", &value, &rate),
                1)
          << line;
      counted += std::floor(1 / rate);
      total += value * std::floor(1 / rate);
    }
    EXPECT_EQ(counted, static_cast<double>(n + 1));
    EXPECT_NEAR(total / sum, 1, 1e-4) << n;
  }
}

TEST(Statsd, PacketsKeepToTheirLimitAndLoseNoLine) {
  const Receiver receiver;
  Metrics metrics(1);
  for (int i = 0; i < 200; ++i)
    metrics.counter(metric::kProcessed, {{"queue", "q" + std::to_string(i)}}).add();
  sink_to(receiver.port(), {{"max_packet", "512"}})->export_points(metrics.snapshot(2));
  std::size_t lines = 0, packets = 0;
  while (lines < 200) {
    const std::string packet = receiver.packet();
    ASSERT_FALSE(packet.empty()) << lines;
    EXPECT_LE(packet.size(), 512U);
    lines += 1 + static_cast<std::size_t>(std::count(packet.begin(), packet.end(), '\n'));
    ++packets;
  }
  EXPECT_EQ(lines, 200U);
  EXPECT_LE(packets, 20U);  // filled, not one for each line
}

TEST(Statsd, WhatWasRefusedComesWithTheNextExport) {
  int port = 0;
  { port = Receiver().port(); }
  const auto sink = sink_to(port, {{"tags", "none"}});
  Metrics metrics(1);
  const Counter processed = metrics.counter(metric::kProcessed);
  processed.add(1);
  sink->export_points(metrics.snapshot(2));  // the refusal shows on the packet after this one
  processed.add(10);
  try {
    sink->export_points(metrics.snapshot(3));
    FAIL() << "nobody listens there";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::unavailable);
    EXPECT_NE(std::string(e.what()).find("127.0.0.1:" + std::to_string(port)), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("nobody listens"), std::string::npos) << e.what();
  }
  const Receiver receiver(port);
  processed.add(100);
  sink->export_points(metrics.snapshot(4));
  EXPECT_EQ(receiver.lines(1), Lines{"gander.jobs.processed:110|c"});
}

TEST(Statsd, AnUnknownHostIsToldAtTheExportNotAtCreate) {
  const auto sink = sink_to(8125, {{"host", "no-such-host.invalid"}});
  try {
    sink->export_points(std::vector<Point>(1));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::unavailable);
    EXPECT_NE(std::string(e.what()).find("no-such-host.invalid"), std::string::npos) << e.what();
  }
}

TEST(Statsd, RefusesOptionsThatAreWrong) {
  for (const Options& options :
       {Options{{"port", "70000"}}, Options{{"tags", "xml"}}, Options{{"hots", "a"}}}) {
    try {
      const PluginSink sink(statsd_table(), host(), "statsd", options);
      FAIL() << options.begin()->first;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::config);
      EXPECT_NE(std::string(e.what()).find("'" + options.begin()->first + "'"), std::string::npos);
    }
  }
}

TEST(Statsd, TheExporterSendsTheLastPointsAtStop) {
  const Receiver receiver;
  Metrics metrics(1);
  std::vector<MetricsExporter::NamedSink> sinks;
  sinks.push_back({"statsd", sink_to(receiver.port(), {{"tags", "none"}})});
  MetricsExporter exporter(metrics, std::move(sinks), {}, 1h, [] { return std::int64_t{2}; });
  metrics.counter(metric::kSucceeded).add(5);
  exporter.stop();
  EXPECT_EQ(receiver.lines(1), Lines{"gander.jobs.succeeded:5|c"});
}

// A collectd of its own in a temporary folder: statsd in, CSV out, every second.
class Collectd : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/sbin/collectd", X_OK) != 0)
      GTEST_SKIP() << "collectd is not installed (Debian package collectd-core)";
    std::string pattern =
        (std::filesystem::temp_directory_path() / "gander-statsd-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    { port_ = Receiver().port(); }
    const std::string base = folder_.string();
    std::ofstream(folder_ / "collectd.conf")
        << "Hostname \"test\"\nBaseDir \"" << base << "\"\nPIDFile \"" << base << "/pid\"\n"
        << "PluginDir \"/usr/lib/collectd\"\nTypesDB \"/usr/share/collectd/types.db\"\n"
        << "Interval 1\nLoadPlugin logfile\n<Plugin logfile>\n  File \"" << base << "/log\"\n"
        << "</Plugin>\nLoadPlugin statsd\n<Plugin statsd>\n  Host \"127.0.0.1\"\n  Port \"" << port_
        << "\"\n  TimerSum true\n  TimerCount true\n</Plugin>\nLoadPlugin csv\n<Plugin csv>\n"
        << "  DataDir \"" << base << "\"\n  StoreRates false\n</Plugin>\n";
    server_.start({"/usr/sbin/collectd", "-f", "-C", base + "/collectd.conf"});
  }
  void TearDown() override {
    server_.stop(SIGTERM);
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // The rows of one series' file.
  [[nodiscard]] std::vector<double> rows(const std::string& series) const {
    std::vector<double> values;
    if (!std::filesystem::exists(folder_ / "test/statsd")) return values;
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "test/statsd")) {
      // The file's name ends in its day.
      if (file.path().filename().string().rfind(series + "-2", 0) != 0) continue;
      std::ifstream in(file.path());
      for (std::string line; std::getline(in, line);) {
        const std::string text = line.substr(line.find(',') + 1);
        if (text != "value" && text != "nan") values.push_back(std::stod(text));
      }
    }
    return values;
  }
  [[nodiscard]] double last(const std::string& series) const {
    const auto values = rows(series);
    return values.empty() ? std::nan("") : values.back();
  }
  [[nodiscard]] double total(const std::string& series) const {
    double sum = 0;
    for (const double value : rows(series)) sum += value;
    return sum;
  }
  [[nodiscard]] std::string log_text() const {
    std::ifstream in(folder_ / "log");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  std::filesystem::path folder_;
  int port_ = 0;
  Child server_;
};

TEST_F(Collectd, CountsAndTimesAndGaugesArriveAsTheyWereMeasured) {
  // collectd takes a timing's rate as a factor of its value, so it is told each one.
  const auto sink = sink_to(port_, {{"tags", "influx"}, {"timings", "repeat"}});
  Metrics metrics(1);
  const Counter processed = metrics.counter(metric::kProcessed, {{"queue", "mail"}});
  const Histogram time = metrics.histogram(metric::kExecutionTime, {{"queue", "mail"}});

  // A datagram sent before the server listens is lost: wait until a probe is seen.
  ASSERT_TRUE(eventually([&] {
    try {
      std::vector<Point> probe(1);
      probe[0].name = "probe";
      probe[0].value = 1;
      sink->export_points(probe);
    } catch (const Error&) {
    }
    return last("gauge-gander.probe") == 1;
  })) << log_text();

  processed.add(400);
  for (int i = 0; i < 100; ++i) time.record(25.0 + i % 2 * 10.0);
  auto points = metrics.snapshot(2);
  points.emplace_back().name = metric::enqueued_name("mail");
  points.back().value = 12;
  sink->export_points(points);
  processed.add(23);
  sink->export_points(metrics.snapshot(3));

  const std::string tagged = "job.execution_time,queue=mail";
  EXPECT_TRUE(eventually([&] {
    return last("derive-gander.jobs.processed,queue=mail") == 423 &&
           last("gauge-gander.enqueued_jobs.mail.count") == 12 &&
           total("gauge-gander." + tagged + "-count") == 100 &&
           total("latency-gander." + tagged + "-sum") > 2.9;
  })) << last("derive-gander.jobs.processed,queue=mail")
      << " " << log_text();
  // collectd keeps seconds: 50 x 25 ms + 50 x 35 ms, exact as all lie in one bucket
  EXPECT_NEAR(total("latency-gander." + tagged + "-sum"), 3.0, 0.01);
  EXPECT_EQ(log_text().find("Unable to parse"), std::string::npos) << log_text();
}

}  // namespace
}  // namespace gander
