#include "fault_jobs.h"

#include <gander/module.h>

#include <thread>

#include "append.h"

using gander::faults::AppendFile;
using gander::faults::now_us;

void fault_run(gander::Context& context, const std::string& log, int work_us) {
  AppendFile file(log);
  const std::string tail = ' ' + context.id.to_string() + ' ' + std::to_string(getpid()) + ' ';
  file.add("begin" + tail + std::to_string(now_us()) + '\n');
  std::this_thread::sleep_for(std::chrono::microseconds(work_us));
  file.add("end" + tail + std::to_string(now_us()) + '\n');
}

GANDER_JOBS("gander.faults", fault_job)
