// What a fault run left behind, read from its logs and judged by id.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gander::faults {

// A process that was killed, and when.
struct Kill {
  pid_t pid;
  std::int64_t at_us;
};

struct Verdict {
  std::size_t ids = 0;         // acknowledged to the producer
  std::size_t lost = 0;        // of these, never run to the end
  std::size_t duplicates = 0;  // runs that began beyond the first of an id
  // Of the duplicates, those whose earlier run was not in the hands of a process that was then
  // killed: delivery went wrong.
  std::size_t unexplained = 0;
  // The longest time from the death of a worker until each job it was running had been run again.
  double worst_recovery_s = 0;
  std::vector<std::string> complaints;  // one line for each lost or unexplained, at most ten
};

// `acks`: a line per acknowledged id. `runs`: "begin|end ID PID TIME" lines.
Verdict judge(const std::string& acks, const std::string& runs, const std::vector<Kill>& kills);

}  // namespace gander::faults
