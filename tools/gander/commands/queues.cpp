#include <iostream>

#include "../environment.h"
#include "../exit_codes.h"
#include "../messages.h"
#include "../output.h"
#include "../values.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr PositionalSpec kName[] = {{"NAME"}};
constexpr OptionSpec kPurgeOptions[] = {
    {"state", "STATE", "ready, scheduled, retry or dead; ready"},
    {"older-than", "TIME", "only those enqueued (dead: failed) longer ago"},
    {"yes", "", "do it; without it, says how many there are"},
};

void print_queues_json(const std::vector<QueueStat>& queues) {
  print_json([&](Writer& out) {
    out.begin_object();
    out.key("queues");
    out.begin_array();
    for (const QueueStat& q : queues) {
      out.begin_object();
      json_field(out, "name", q.name);
      out.key("paused");
      out.boolean(q.paused);
      json_field(out, "ready", q.ready);
      json_field(out, "scheduled", q.scheduled);
      json_field(out, "leased", q.leased);
      json_field(out, "retry", q.retry);
      json_field(out, "dead", q.dead);
      json_time(out, "oldest_ready", q.oldest_ready);
      out.end_object();
    }
    out.end_array();
    out.end_object();
  });
}

int run_queues(const Arguments& a) {
  const std::vector<QueueStat> queues = open_admin(a).queues();
  if (a.json()) {
    print_queues_json(queues);
    return kOk;
  }
  Table table({"QUEUE", ">READY", ">SCHEDULED", ">LEASED", ">RETRY", ">DEAD", "OLDEST READY", ""});
  for (const QueueStat& q : queues)
    table.add({one_line(q.name, 40), count_text(q.ready), count_text(q.scheduled),
               count_text(q.leased), count_text(q.retry), count_text(q.dead),
               time_text(q.oldest_ready), q.paused ? "paused" : ""});
  table.print();
  return kOk;
}

int set_paused(const Arguments& a, bool paused) {
  const std::string name = a.text("NAME");
  open_admin(a).pause(name, paused);
  if (a.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      json_field(out, "queue", name);
      out.key("paused");
      out.boolean(paused);
      out.end_object();
    });
  } else {
    std::cout << "queue " << name << (paused ? " is paused" : " goes on") << '\n';
  }
  return kOk;
}

int run_pause(const Arguments& a) { return set_paused(a, true); }
int run_resume(const Arguments& a) { return set_paused(a, false); }

}  // namespace

State state_of(const Arguments& a, State otherwise) {
  const std::string text = a.text("state", to_string(otherwise));
  if (const auto state = state_from(text)) return *state;
  throw UsageError{"--state must be ready, scheduled, leased, retry or dead, not '" + text + "'"};
}

int purge(const Arguments& a, State state, const std::string& queue) {
  Admin admin = open_admin(a);
  std::optional<TimePoint> before;
  if (a.has("older-than"))
    before = std::chrono::system_clock::now() - duration_of("older-than", a.text("older-than"));
  if (state == State::leased) throw UsageError{"--state leased: those belong to their workers"};
  const std::string what = std::string(to_string(state)) + " messages" +
                           (queue.empty() ? " of all queues" : " of queue " + queue);
  if (!a.has("yes")) {
    std::int64_t n = 0;
    for (const QueueStat& q : admin.queues()) {
      if (!queue.empty() && q.name != queue) continue;
      const std::int64_t more = state == State::dead        ? q.dead
                                : state == State::scheduled ? q.scheduled
                                : state == State::retry     ? q.retry
                                                            : q.ready;
      n = n < 0 || more < 0 ? -1 : n + more;
    }
    throw Declined{(n < 0 ? "it cannot be told how many there are of the "
                          : "there are " + std::to_string(n) + " ") +
                   what + "; repeat the command with --yes to delete " +
                   (before ? "the old of them" : "them")};
  }
  const std::uint64_t n = admin.purge(state, queue, before);
  if (a.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      json_field(out, "deleted", static_cast<std::int64_t>(n));
      out.end_object();
    });
  } else {
    std::cout << "deleted " << n << " " << what << '\n';
  }
  return kOk;
}

namespace {
int run_purge(const Arguments& a) { return purge(a, state_of(a, State::ready), a.text("NAME")); }
}  // namespace

const Command kQueues{"queues",
                      "Count the messages of each queue",
                      "'-' is a count that the broker cannot tell.",
                      {},
                      {},
                      kAll,
                      run_queues};
const Command kQueuesPause{"queues pause",
                           "Let no worker take from a queue",
                           "Enqueues go on. What is being run goes on.",
                           kName,
                           {},
                           kAll,
                           run_pause};
const Command kQueuesResume{
    "queues resume", "Let workers take from a queue again", "", kName, {}, kAll, run_resume};
const Command kQueuesPurge{"queues purge",
                           "Delete the messages of a queue that are in one state",
                           "There is no way back. Messages that are leased are left alone.",
                           kName,
                           kPurgeOptions,
                           kAll,
                           run_purge};

}  // namespace gander::cli
