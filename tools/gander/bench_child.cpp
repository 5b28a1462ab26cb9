#include "bench_child.h"

#include <fcntl.h>
#include <gander/error.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>

extern char** environ;

namespace gander::cli {

BenchChild::BenchChild(const std::vector<std::string>& words) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw Error(Code::internal,
                std::string("no pipe for the worker process: ") + std::strerror(errno));
  std::vector<std::string> list = {"gander", "bench-child"};
  list.insert(list.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : list) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int problem = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  out_ = ends[0];
  if (problem == 0) return;
  close(out_);
  throw Error(Code::internal,
              std::string("cannot start the worker process: ") + std::strerror(problem));
}

BenchChild::~BenchChild() {
  close(out_);
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

std::string BenchChild::read_line(int seconds) {
  for (;;) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd waiting{out_, POLLIN, 0};
    const int ready = poll(&waiting, 1, seconds * 1000);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0)
      throw Error(Code::timeout,
                  "the worker process said nothing for " + std::to_string(seconds) + " s");
    std::array<char, 4096> chunk{};
    const ssize_t n = read(out_, chunk.data(), chunk.size());
    if (n <= 0) throw Error(Code::internal, "the worker process ended");
    buffer_.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

double resident_mib(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
  long total = 0, resident = 0;
  in >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576.0;
}

double most_resident_mib(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; in >> word;)
    if (double kib = 0; word == "VmHWM:" && in >> kib) return kib / 1024;
  throw Error(Code::internal, "the memory of process " + std::to_string(pid) + " is unknown");
}

double cpu_seconds(pid_t pid) {
  // not /proc/PID/stat: its ticks of 10 ms are as long as what an idle worker uses in seconds
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
    throw Error(Code::internal, "the CPU time of process " + std::to_string(pid) + " is unknown");
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace gander::cli
