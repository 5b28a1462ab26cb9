#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

extern char** environ;

namespace gander::conformance {

namespace {

constexpr std::size_t kErrorsKept = 600;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

std::array<int, 2> open_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
  return ends;
}

// False at the end of the file.
bool read_some(const File& from, std::string& to, std::size_t keep) {
  std::array<char, 4096> buffer{};
  const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
  if (n <= 0) return n < 0 && errno == EINTR;
  to.append(buffer.data(), static_cast<std::size_t>(n));
  if (to.size() > keep) to.erase(0, to.size() - keep);
  return true;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

pid_t spawn(const std::vector<std::string>& arguments, int result, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, errors, 1);
  posix_spawn_file_actions_adddup2(&actions, errors, 2);
  posix_spawn_file_actions_adddup2(&actions, result, kResultFile);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::vector<char*> argv;
  for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int problem = posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) throw std::system_error(problem, std::generic_category(), arguments.front());
  return pid;
}

}  // namespace

Ended run_process(const std::vector<std::string>& arguments, std::chrono::seconds limit) {
  const auto result = open_pipe();
  const auto errors = open_pipe();
  File result_in(result[0]), result_out(result[1]), errors_in(errors[0]), errors_out(errors[1]);
  const pid_t pid = spawn(arguments, result_out.get(), errors_out.get());
  result_out.close();
  errors_out.close();

  Ended ended;
  const auto end = std::chrono::steady_clock::now() + limit;
  bool result_open = true, errors_open = true;
  while (result_open) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      ended.timed_out = true;
      break;
    }
    std::array<pollfd, 2> files = {pollfd{result_in.get(), POLLIN, 0},
                                   pollfd{errors_open ? errors_in.get() : -1, POLLIN, 0}};
    if (poll(files.data(), files.size(), static_cast<int>(left.count())) < 0) continue;
    if (files[1].revents != 0) errors_open = read_some(errors_in, ended.errors, kErrorsKept);
    if (files[0].revents != 0) result_open = read_some(result_in, ended.output, SIZE_MAX);
  }
  // The result is closed at the child's end, or by it on the way out; what it left running is over.
  siginfo_t info{};
  if (!ended.timed_out) {
    const auto grace = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0) {
      if (std::chrono::steady_clock::now() > grace) break;
      poll(nullptr, 0, 1);
    }
  }
  ::kill(-pid, SIGKILL);
  ended.status = wait_for(pid);
  if (errors_open && poll(nullptr, 0, 0) == 0) {
    pollfd more = {errors_in.get(), POLLIN, 0};
    while (poll(&more, 1, 0) > 0 && read_some(errors_in, ended.errors, kErrorsKept)) {
    }
  }
  return ended;
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(file, text.data(), text.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

ScratchFolder::ScratchFolder() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr && *base == '/' ? base : "/tmp") + "/gander-kit-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) fail(path_.c_str());
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Victim::Victim(const std::function<void(const std::function<void(std::string)>&)>& life) {
  const auto start = open_pipe();
  const auto said = open_pipe();
  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(kResultFile);
    ::close(start[1]);
    char go = 0;
    if (::read(start[0], &go, 1) != 1) _exit(0);
    try {
      life([&](const std::string& text) {
        write_all(said[1], text + "\n");
        for (;;) pause();
      });
    } catch (const std::exception& fault) {
      write_all(said[1], std::string("!") + fault.what() + "\n");
    }
    for (;;) pause();
  }
  ::close(start[0]);
  ::close(said[1]);
  start_ = start[1];
  said_ = said[0];
}

Victim::~Victim() {
  kill();
  ::close(start_);
  ::close(said_);
}

void Victim::begin() { write_all(start_, "g"); }

std::string Victim::arrived() {
  std::string text;
  for (;;) {
    pollfd file = {said_, POLLIN, 0};
    if (poll(&file, 1, 10'000) <= 0) throw std::runtime_error("the worker process said nothing");
    char c = 0;
    if (::read(said_, &c, 1) != 1) throw std::runtime_error("the worker process died by itself");
    if (c == '\n') break;
    text += c;
  }
  if (text.starts_with('!')) throw std::runtime_error("the worker process: " + text.substr(1));
  return text;
}

void Victim::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  wait_for(pid_);
  pid_ = -1;
}

}  // namespace gander::conformance
