// gander/context.h -- what a handler may know of its run, by taking `gander::Context&` first.
//
// A Context belongs to one run, on one thread; only the stop token may be handed to others.
#pragma once

#include <gander/error.h>
#include <gander/id.h>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

namespace gander {

enum class LogLevel;

// Told of a run's progress, on the thread of the run.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void progress(double part, std::string_view text) = 0;
};

class Context {
 public:
  Id id;
  std::string_view job;          // its name
  std::string_view queue;        // it was taken from
  std::uint32_t attempt = 1;     // 1 on the first run, 2 after one failure, ...
  std::uint32_t crashes = 0;     // times a process died with it
  std::uint32_t give_backs = 0;  // times it came back unharmed
  std::chrono::system_clock::time_point enqueued_at{};
  std::chrono::system_clock::time_point started_at{};
  std::chrono::system_clock::time_point
      deadline{};          // started_at + its timeout; time_point{} when it has none
  std::string_view trace;  // W3C traceparent of the enqueuer, or empty

  // Stop requested: the deadline has passed, or the worker is stopping and has waited its grace. A
  // handler that throws then is given back unharmed when the worker stops, and fails when it was
  // the deadline.
  std::stop_token stop;

  // Logs a line that carries id, job, queue and attempt.
  void log(LogLevel level, std::string_view text) const;
  // How far it is, 0 to 1: seen in Worker::running(), and in the log at debug level.
  void progress(double part, std::string_view text = {}) const;

  RunObserver* observer = nullptr;  // the worker's own
};

}  // namespace gander
