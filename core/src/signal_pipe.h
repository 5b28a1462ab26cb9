// Signals as something a thread can wait for.
#pragma once

#include <csignal>
#include <initializer_list>
#include <stop_token>
#include <utility>
#include <vector>

namespace gander {

// While one lives, the signals named are written to a pipe instead of what they did before. One at
// a time in a process.
class SignalPipe {
 public:
  SignalPipe(std::initializer_list<int> signals);
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  // Blocks until one of them comes.
  void wait();
  // The same; false when `stop` came first.
  bool wait(const std::stop_token& stop);

 private:
  std::vector<std::pair<int, struct sigaction>> before_;
};

}  // namespace gander
