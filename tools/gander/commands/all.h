// One entry for each command, defined in the file named after its verb.
#pragma once

#include "../command.h"

namespace gander::cli {

extern const Command kWorker;
extern const Command kEnqueue;
extern const Command kQueues, kQueuesPause, kQueuesResume, kQueuesPurge;
extern const Command kJobsList, kJobsShow, kJobsRetry, kJobsMove, kJobsDelete;
extern const Command kDeadList, kDeadShow, kDeadReplay, kDeadDelete, kDeadPurge;
extern const Command kBrokerMigrate;
extern const Command kPluginList, kPluginInfo, kPluginSchema, kPluginDoctor, kPluginCheck;
extern const Command kPluginNewBroker;
extern const Command kConfigCheck, kConfigShow;
extern const Command kBench, kBenchChild;
extern const Command kCompletion, kMan, kHelp, kVersion;

}  // namespace gander::cli
