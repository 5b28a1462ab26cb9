// A process of its own that uses the plugin: started, listened to, killed.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace gander::test {

class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), GANDER_SQLITE_CHILD);
    int from[2], to[2];
    if (pipe2(from, O_CLOEXEC) != 0 || pipe2(to, O_CLOEXEC) != 0)
      throw std::runtime_error("pipe failed");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int failed = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(from[1]);
    close(to[0]);
    out_ = fdopen(from[0], "r");
    in_ = to[1];
    if (failed != 0) throw std::runtime_error("cannot start " + arguments[0]);
  }
  Child(Child&& other) noexcept : pid_(other.pid_), out_(other.out_), in_(other.in_) {
    other.pid_ = -1;
    other.out_ = nullptr;
    other.in_ = -1;
  }
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ > 0) kill9();
    if (out_ != nullptr) std::fclose(out_);
    if (in_ >= 0) close(in_);
  }

  // Without its newline; empty at the end of what it says.
  std::string line() {
    std::string text;
    for (int c = std::fgetc(out_); c != EOF && c != '\n'; c = std::fgetc(out_))
      text += static_cast<char>(c);
    return text;
  }
  void say(const std::string& text) {
    if (write(in_, text.data(), text.size()) < 0) throw std::runtime_error("the child is gone");
  }
  void kill9() {
    ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  FILE* out_ = nullptr;
  int in_ = -1;
};

}  // namespace gander::test
