// A server of the test's own: a PostgreSQL whose disk is small, a pooler. Stopped, and its folder
// removed, with this object.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace gander::test {

// Runs to its end, in the background of a test; with root as an unprivileged user.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments, int stop_signal);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

 private:
  pid_t pid_;
  int stop_signal_;
};

// A folder that the server's user may write, removed with this object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The command as the server's user, when the test is run by root.
std::string as_server_user(const std::string& command);
// Where initdb and postgres are; empty when they are not installed.
std::string postgres_programs();
void must_run(const std::string& command);

}  // namespace gander::test
