// The one job of the fault runs, as producer and workers both see it.
#pragma once

#include <gander/job.h>

#include <string>

// Writes "begin" and "end" lines with id, process, time and how often the message came back from a
// worker to `log`, and works `work_us` between.
void fault_run(gander::Context& context, const std::string& log, int work_us);

inline constexpr gander::Job<"fault.run", fault_run> fault_job;
