#include <gander/client.h>

#include <iostream>

#include "../environment.h"
#include "../exit_codes.h"
#include "../output.h"
#include "../values.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr std::size_t kLinesPerCall = 500;

constexpr PositionalSpec kPositionals[] = {{"NAME"}, {"ARGS", false}};

constexpr OptionSpec kOptions[] = {
    {"queue", "NAME", "client.queue of the config, or default"},
    {"in", "TIME", "not before: 90s, 15m, 1h30m"},
    {"at", "INSTANT", "not before: 2026-01-31T12:00:00Z"},
    {"priority", "high|normal|low", "normal"},
    {"id", "UUID", "its id; a second one of an id is not stored"},
    {"key", "TEXT", "an id made from this text, always the same"},
    {"retries", "N", "how often it may be run again"},
    {"timeout", "TIME", "of a run; then it is told to stop"},
    {"payload-version", "N", "of the arguments, 1"},
};

// A job by name whose arguments are JSON already.
struct RawJob {
  std::string job_name;
  int payload_version;

  [[nodiscard]] std::string_view name() const { return job_name; }
  [[nodiscard]] int version() const { return payload_version; }
  static void write_args(Writer& out, const std::string& json) { out.raw(json); }
};

Priority priority_of(const std::string& text) {
  if (text == "high") return Priority::high;
  if (text == "normal") return Priority::normal;
  if (text == "low") return Priority::low;
  throw UsageError{"--priority must be high, normal or low, not '" + text + "'"};
}

EnqueueOptions options_from(const Arguments& a, const Config& config) {
  if (a.has("in") && a.has("at")) throw UsageError{"--in and --at exclude each other"};
  if (a.has("id") && a.has("key")) throw UsageError{"--id and --key exclude each other"};
  EnqueueOptions o;
  o.queue = a.text("queue", config.client.queue);
  o.deadline = config.client.timeout;
  if (a.has("at")) o.run_at = instant_of("at", a.text("at"));
  if (a.has("priority")) o.priority = priority_of(a.text("priority"));
  if (a.has("id")) o.id = Id::parse(a.text("id"));
  if (a.has("key")) o.id = Id::from_key(a.text("key"));
  if (a.has("retries")) o.max_retries = static_cast<int>(a.number("retries", 0, 0, 1000));
  if (a.has("timeout")) o.timeout = duration_of("timeout", a.text("timeout"));
  return o;
}

void print_ids(const std::vector<Id>& ids) {
  for (const Id& id : ids) std::cout << id.to_string() << '\n';
  std::cout.flush();
}

void check_array(const std::string& args, const char* name) {
  Document document;
  static_cast<void>(document.parse(args, name).size());
}

void print_count(std::uint64_t n) {
  print_json([&](Writer& out) {
    out.begin_object();
    json_field(out, "enqueued", static_cast<std::int64_t>(n));
    out.end_object();
  });
}

// Lines on their way to the broker, sent by the 500.
class Lines {
 public:
  Lines(const Enqueuer& to, RawJob job, bool json) : to_(to), job_(std::move(job)), json_(json) {}

  void add(std::string line, std::uint64_t number) {
    try {
      check_array(line, "args");
    } catch (const Error& e) {
      send();  // what stands before a line that is wrong is enqueued, so that one can go on there
      throw Error(e.code(), "standard input, line " + std::to_string(number) + ": " + e.what() +
                                " (the " + std::to_string(sent_) + " before it are enqueued)");
    }
    if (lines_.empty()) first_ = number;
    last_ = number;
    lines_.push_back(std::move(line));
    if (lines_.size() == kLinesPerCall) send();
  }

  void send() {
    if (lines_.empty()) return;
    try {
      const std::vector<Id> ids = to_.enqueue_all(job_, lines_);
      sent_ += ids.size();
      if (!json_) print_ids(ids);
    } catch (const Error& e) {
      throw Error(e.code(),
                  "standard input, lines " + std::to_string(first_) + " to " +
                      std::to_string(last_) + ": " + e.what(),
                  e.retryable());
    }
    lines_.clear();
  }

  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  const Enqueuer& to_;
  RawJob job_;
  bool json_;
  std::vector<std::string> lines_;
  std::uint64_t first_ = 0, last_ = 0, sent_ = 0;
};

int enqueue_lines(const Enqueuer& to, const RawJob& job, bool json) {
  Lines lines(to, job, json);
  std::uint64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") != std::string::npos) lines.add(std::move(line), number);
  }
  lines.send();
  if (json) print_count(lines.sent());
  return kOk;
}

int run(const Arguments& a) {
  const Config config = config_from(a);
  config.check();
  const EnqueueOptions options = options_from(a, config);
  const std::string args = a.text("ARGS", "[]");
  const RawJob job{a.text("NAME"), static_cast<int>(a.number("payload-version", 1, 1, 1'000'000))};
  if (args == "-" && options.id)
    throw UsageError{"--id and --key are of one message, and '-' reads many"};
  if (args != "-") check_array(args, "ARGS");
  const Client client(open_broker(config), options);
  const Enqueuer to =
      a.has("in") ? client.in(duration_of("in", a.text("in"))) : client.with(options);
  if (args == "-") return enqueue_lines(to, job, a.json());
  const Id id = to.enqueue_json(job.job_name, args, job.payload_version);
  if (!a.json()) {
    print_ids({id});
    return kOk;
  }
  print_json([&](Writer& out) {
    out.begin_object();
    json_field(out, "id", id.to_string());
    out.end_object();
  });
  return kOk;
}

}  // namespace

const Command kEnqueue{"enqueue",
                       "Enqueue a job and print its id",
                       "ARGS is a JSON array, [] when left out; '-' reads one array a line from "
                       "standard input and enqueues 500 at a time.",
                       kPositionals,
                       kOptions,
                       kAll,
                       run};

}  // namespace gander::cli
