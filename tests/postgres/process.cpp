#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace gander::test {

Process::Process(std::vector<std::string> arguments, int stop_signal)
    : pid_(fork()), stop_signal_(stop_signal) {
  if (pid_ != 0) return;
  const int null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(null, 1);
  dup2(null, 2);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(127);
}

Process::~Process() {
  if (pid_ <= 0) return;
  kill(pid_, stop_signal_);
  waitpid(pid_, nullptr, 0);
}

Folder::Folder() {
  std::string name = std::filesystem::temp_directory_path() / "gander-postgres-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
  path_ = name;
  if (geteuid() == 0) must_run("chown postgres " + path_);
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string as_server_user(const std::string& command) {
  return geteuid() == 0 ? "runuser -u postgres -- " + command : command;
}

std::string postgres_programs() {
  for (int version = 17; version >= 13; --version) {
    std::string bin = "/usr/lib/postgresql/" + std::to_string(version) + "/bin";
    if (std::filesystem::exists(bin + "/initdb")) return bin;
  }
  return {};
}

void must_run(const std::string& command) {
  if (std::system((command + " >/dev/null 2>&1 </dev/null").c_str()) != 0)
    throw std::runtime_error(command + " failed");
}

}  // namespace gander::test
