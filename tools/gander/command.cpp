#include "command.h"

#include <algorithm>

#include "commands/all.h"

namespace gander::cli {

std::span<const Command* const> commands() {
  static constexpr const Command* kAllCommands[] = {
      &kWorker,       &kEnqueue,       &kQueues,          &kQueuesPause, &kQueuesResume,
      &kQueuesPurge,  &kJobsList,      &kJobsShow,        &kJobsRetry,   &kJobsMove,
      &kJobsDelete,   &kDeadList,      &kDeadShow,        &kDeadReplay,  &kDeadDelete,
      &kDeadPurge,    &kBrokerMigrate, &kPluginList,      &kPluginInfo,  &kPluginSchema,
      &kPluginDoctor, &kPluginCheck,   &kPluginNewBroker, &kConfigCheck, &kConfigShow,
      &kBench,        &kBenchChild,    &kCompletion,      &kMan,         &kHelp,
      &kVersion};
  return kAllCommands;
}

const Command* find_command(std::string_view name) {
  const auto all = commands();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Command* c) { return c->name == name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace gander::cli
