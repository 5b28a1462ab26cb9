#include "../environment.h"
#include "../messages.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr PositionalSpec kOneId[] = {{"ID"}};
constexpr PositionalSpec kIds[] = {{"ID", false, true}};

constexpr OptionSpec kListOptions[] = {
    {"state", "STATE", "ready, scheduled, leased, retry or dead; all but dead"},
    {"queue", "NAME", "of this queue"},
    {"pattern", "PATTERN", "whose job or id fits: * ? and [a-z]"},
    {"limit", "N", "how many at most, 50"},
    {"after", "PLACE", "go on from where a list ended"},
};
constexpr OptionSpec kRetryOptions[] = {
    {"state", "STATE", "scheduled, retry or dead; scheduled and retry"},
    {"queue", "NAME", "of this queue"},
    {"pattern", "PATTERN", "whose job or id fits: * ? and [a-z]"},
    {"yes", "", "do it; without it, says how many fit"},
};
constexpr OptionSpec kMoveOptions[] = {
    {"to", "QUEUE", "where to"},
    {"state", "STATE", "only of this state; else all but dead"},
    {"queue", "NAME", "of this queue"},
    {"pattern", "PATTERN", "whose job or id fits: * ? and [a-z]"},
    {"yes", "", "do it; without it, says how many fit"},
};
constexpr OptionSpec kDeleteOptions[] = {
    {"state", "STATE", "only of this state; else all but dead"},
    {"queue", "NAME", "of this queue"},
    {"pattern", "PATTERN", "whose job or id fits: * ? and [a-z]"},
    {"yes", "", "do it; without it, says how many fit"},
};

const std::vector<State> kLive = {State::leased, State::ready, State::retry, State::scheduled};
const std::vector<State> kWaiting = {State::ready, State::retry, State::scheduled};

// One that is named by its id may be of any state; a pattern means what waits.
std::vector<State> states_of(const Arguments& a, const std::vector<State>& by_pattern) {
  if (a.has("state")) return {state_of(a, State::ready)};
  if (!a.has("ID")) return by_pattern;
  return {State::ready, State::scheduled, State::retry, State::dead};
}

int run_list(const Arguments& a) {
  return list_messages(a, a.has("state") ? std::vector{state_of(a, State::ready)} : kLive);
}

int run_show(const Arguments& a) { return show_message(a, std::nullopt); }

int run_retry(const Arguments& a) {
  return change_messages(
      a, states_of(a, {State::retry, State::scheduled}),
      {"retried", [](Admin& admin, const std::vector<Id>& ids) { return admin.retry_now(ids); }});
}

int run_move(const Arguments& a) {
  if (!a.has("to")) throw UsageError{"--to QUEUE is missing"};
  const std::string to = a.text("to");
  return change_messages(
      a, states_of(a, kWaiting),
      {"moved", [&](Admin& admin, const std::vector<Id>& ids) { return admin.move(ids, to); }});
}

int run_delete(const Arguments& a) {
  return change_messages(
      a, states_of(a, kWaiting),
      {"deleted", [](Admin& admin, const std::vector<Id>& ids) { return admin.remove(ids); }});
}

}  // namespace

const Command kJobsList{
    "jobs list", "List messages", "TIME is when it was enqueued, or when it is due.",
    {},          kListOptions,    kAll,
    run_list};
const Command kJobsShow{"jobs show", "Show everything about one message", "", kOneId, {}, kAll,
                        run_show};
const Command kJobsRetry{"jobs retry",
                         "Run what is due later now, at the front of its queue if it has one",
                         "By ID also a dead letter; its attempts are kept. See dead replay.",
                         kIds,
                         kRetryOptions,
                         kAll,
                         run_retry};
const Command kJobsMove{
    "jobs move", "Move messages to another queue, ready now", "", kIds, kMoveOptions, kAll,
    run_move};
const Command kJobsDelete{"jobs delete",
                          "Delete messages",
                          "There is no way back. Messages that are leased are left alone.",
                          kIds,
                          kDeleteOptions,
                          kAll,
                          run_delete};

}  // namespace gander::cli
