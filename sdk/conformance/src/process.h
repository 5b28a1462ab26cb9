// A child process with a time limit, and a folder that is gone afterwards.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gander::conformance {

inline constexpr int kResultFile = 3;  // where a child writes what came of its check

struct Ended {
  int status = 0;  // as of waitpid
  bool timed_out = false;
  std::string output;  // what it wrote to kResultFile
  std::string errors;  // the end of what it wrote to its standard error
};

// Starts a program in a process group of its own and waits for its end; past the limit, kills the
// group. Throws std::system_error when it cannot be started.
Ended run_process(const std::vector<std::string>& arguments, std::chrono::seconds limit);

bool write_all(int file, std::string_view text);

class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A worker process that a check kills: a fork, so it must be made before the plugin has threads. It
// runs `life` with a function that says "I am there" and never returns from it by itself.
class Victim {
 public:
  // `life` gets a function to call when it has come to where it shall die.
  explicit Victim(const std::function<void(const std::function<void(std::string)>&)>& life);
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim();
  void begin();           // lets `life` start
  std::string arrived();  // waits until it is there, up to ten seconds; what it said
  void kill();            // SIGKILL, and waits for its end

 private:
  pid_t pid_ = -1;
  int start_ = -1;
  int said_ = -1;
};

}  // namespace gander::conformance
