// A program started by the fault driver; it dies with the driver.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace gander::faults {

class Process {
 public:
  // `log` takes what it prints.
  Process(std::vector<std::string> command, const std::string& log);
  ~Process() { kill_now(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void start();
  // SIGKILL, and waits until it is gone.
  void kill_now();
  // SIGTERM, and waits; the exit status, or 128 + signal.
  int stop();
  // SIGSTOP and SIGCONT: it stands still, and its lease with it.
  void freeze() const { kill(pid_, SIGSTOP); }
  void thaw() const { kill(pid_, SIGCONT); }
  // Waits for its own end; the exit status.
  int finish() { return wait_for_end(); }
  // It ended without having been asked to.
  [[nodiscard]] bool died();

 private:
  int wait_for_end();

  std::vector<std::string> command_;
  std::string log_;
  pid_t pid_ = -1;
};

}  // namespace gander::faults
