#include "process.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

namespace gander::faults {

Process::Process(std::vector<std::string> command, const std::string& log)
    : command_(std::move(command)), log_(log) {
  start();
}

void Process::start() {
  std::vector<char*> arguments;
  for (std::string& word : command_) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t driver = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != driver) _exit(127);
  const int out = open(log_.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execv(arguments[0], arguments.data());
  _exit(127);
}

void Process::kill_now() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  wait_for_end();
}

int Process::stop() {
  if (pid_ <= 0) return 0;
  kill(pid_, SIGTERM);
  return wait_for_end();
}

bool Process::died() {
  if (pid_ <= 0 || waitpid(pid_, nullptr, WNOHANG) == 0) return false;
  pid_ = -1;
  return true;
}

int Process::wait_for_end() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace gander::faults
