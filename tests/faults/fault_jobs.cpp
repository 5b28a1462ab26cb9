#include "fault_jobs.h"

#include <gander/module.h>

#include <thread>

#include "append.h"

using gander::faults::AppendFile;
using gander::faults::now_us;

void fault_run(gander::Context& context, const std::string& log, int work_us) {
  AppendFile file(log);
  const std::string middle = ' ' + context.id.to_string() + ' ' + std::to_string(getpid()) + ' ';
  const std::string returns = ' ' + std::to_string(context.crashes + context.give_backs) + '\n';
  file.add("begin" + middle + std::to_string(now_us()) + returns);
  std::this_thread::sleep_for(std::chrono::microseconds(work_us));
  file.add("end" + middle + std::to_string(now_us()) + returns);
}

GANDER_JOBS("gander.faults", fault_job)
