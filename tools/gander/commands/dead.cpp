#include "../environment.h"
#include "../messages.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr PositionalSpec kOneId[] = {{"ID"}};
constexpr PositionalSpec kIds[] = {{"ID", false, true}};

constexpr OptionSpec kListOptions[] = {
    {"queue", "NAME", "of this queue"},
    {"pattern", "PATTERN", "whose job or id fits: * ? and [a-z]"},
    {"limit", "N", "how many at most, 50"},
    {"after", "PLACE", "go on from where a list ended"},
};
constexpr OptionSpec kReplayOptions[] = {
    {"queue", "NAME", "of this queue"},
    {"pattern", "PATTERN", "whose job or id fits: * ? and [a-z]"},
    {"yes", "", "do it; without it, says how many fit"},
};
constexpr OptionSpec kDeleteOptions[] = {
    {"queue", "NAME", "of this queue"},
    {"pattern", "PATTERN", "whose job or id fits: * ? and [a-z]"},
    {"yes", "", "do it; without it, says how many fit"},
};
constexpr OptionSpec kPurgeOptions[] = {
    {"queue", "NAME", "of this queue; else of all"},
    {"older-than", "TIME", "only those that died longer ago: 12h, 30d"},
    {"yes", "", "do it; without it, says how many there are"},
};

const std::vector<State> kDead = {State::dead};

int run_list(const Arguments& a) { return list_messages(a, kDead); }
int run_show(const Arguments& a) { return show_message(a, State::dead); }
int run_replay(const Arguments& a) {
  return change_messages(a, kDead, {"replayed", [](Admin& admin, const std::vector<Id>& ids) {
                                      return admin.replay(ids);
                                    }});
}
int run_delete(const Arguments& a) {
  return change_messages(a, kDead, {"deleted", [](Admin& admin, const std::vector<Id>& ids) {
                                      return admin.remove(ids);
                                    }});
}
int run_purge(const Arguments& a) { return purge(a, State::dead, a.text("queue")); }

}  // namespace

const Command kDeadList{
    "dead list", "List dead letters, the newest first", "", {}, kListOptions, kAll, run_list};
const Command kDeadShow{"dead show", "Show everything about one dead letter", "", kOneId, {}, kAll,
                        run_show};
const Command kDeadReplay{"dead replay",
                          "Run dead letters again, with a fresh set of retries",
                          "They go to the front of their queues, where the broker has one.",
                          kIds,
                          kReplayOptions,
                          kAll,
                          run_replay};
const Command kDeadDelete{"dead delete", "Delete dead letters", "There is no way back.",
                          kIds,          kDeleteOptions,        kAll,
                          run_delete};
const Command kDeadPurge{"dead purge",
                         "Delete all dead letters, or the old ones",
                         "There is no way back.",
                         {},
                         kPurgeOptions,
                         kAll,
                         run_purge};

}  // namespace gander::cli
