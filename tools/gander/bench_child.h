// A worker in another process, for what only two processes can show.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gander::cli {

// Runs `gander bench-child` with these words; ends it when it goes. Not thread-safe.
class BenchChild {
 public:
  explicit BenchChild(const std::vector<std::string>& words);
  ~BenchChild();
  BenchChild(const BenchChild&) = delete;
  BenchChild& operator=(const BenchChild&) = delete;

  // The next line it prints; throws Error(timeout) after `seconds`, Error(internal) when it ended.
  std::string read_line(int seconds);
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string buffer_;
};

// Of a process.
double resident_mib(pid_t pid);
double most_resident_mib(pid_t pid);  // since it began
double cpu_seconds(pid_t pid);

// CLOCK_MONOTONIC, the same in every process.
std::int64_t monotonic_ns();

}  // namespace gander::cli
