#include "signal_pipe.h"

#include <fcntl.h>
#include <gander/error.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace gander {
namespace {

std::array<int, 2> pipe_ends{-1, -1};

void on_signal(int signal) {
  const int saved = errno;
  const char byte = static_cast<char>(signal);
  // a full pipe holds a signal already, so one that does not fit is not missed
  [[maybe_unused]] const auto written = write(pipe_ends[1], &byte, 1);
  errno = saved;
}

}  // namespace

SignalPipe::SignalPipe(std::initializer_list<int> signals) {
  if (pipe_ends[0] != -1)
    throw Error(Code::invalid_state,
                "two workers cannot both run() in one process: start() them and wait yourself");
  if (pipe2(pipe_ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    throw Error(Code::unavailable, "no file descriptors are left for a pipe");
  for (const int signal : signals) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    struct sigaction old {};
    sigaction(signal, &action, &old);
    before_.emplace_back(signal, old);
  }
}

SignalPipe::~SignalPipe() {
  for (const auto& [signal, action] : before_) sigaction(signal, &action, nullptr);
  for (int& end : pipe_ends) {
    close(end);
    end = -1;
  }
}

void SignalPipe::wait() { wait(std::stop_token{}); }

bool SignalPipe::wait(const std::stop_token& stop) {
  // the stop token wakes the poll by the same pipe, with a byte that is no signal
  const std::stop_callback wake(stop, [] {
    const char none = 0;
    [[maybe_unused]] const auto written = write(pipe_ends[1], &none, 1);
  });
  for (;;) {
    pollfd fd{pipe_ends[0], POLLIN, 0};
    poll(&fd, 1, -1);
    char byte = 0;
    while (read(pipe_ends[0], &byte, 1) == 1)
      if (byte != 0) return true;
    if (stop.stop_requested()) return false;
  }
}

}  // namespace gander
