// What a fault run left behind, read from its logs and judged by id.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gander::faults {

// What was done to a process, or to the server and so to all of them, and from when to when it kept
// a verdict from arriving.
struct Disturbance {
  pid_t pid;  // 0: the server was away
  std::int64_t from_us;
  std::int64_t to_us;
  bool killed;  // the process is gone since
};

struct Verdict {
  std::size_t ids = 0;         // acknowledged to the producer
  std::size_t lost = 0;        // of these, never run to the end
  std::size_t duplicates = 0;  // runs that began beyond the first of an id
  // Of the duplicates, those that only a fault in the middle of an enqueue explains: the message
  // was sent again, and the first copy was no longer there to be recognised. Or of a give-back,
  // where that is an enqueue.
  std::size_t stored_twice = 0;
  // Of the duplicates, those of which neither run was in flight at a disturbance of its process:
  // delivery went wrong.
  std::size_t unexplained = 0;
  // The longest time from the SIGKILL of a worker until each job it was running ran again. (Not of
  // one that came back twice: a second worker had it in hand and was disturbed, too.)
  double worst_recovery_s = 0;
  // The longest time from the server's return until a worker began a job.
  double worst_resume_s = 0;
  // The longest time by which a run had ended before the fault that undid it, so that its message
  // ran again: how old an ack may be and still be lost.
  double oldest_undone_s = 0;
  std::vector<std::string> complaints;  // one line for each lost or unexplained, at most ten
};

struct Logs {
  std::string acks;  // "ID PID SENT ACKNOWLEDGED" lines
  std::string runs;  // "begin|end ID PID TIME RETURNS" lines
};

Verdict judge(const Logs& logs, const std::vector<Disturbance>& disturbances);

}  // namespace gander::faults
