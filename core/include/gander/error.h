// gander/error.h -- how things fail.
//
// Everything in gander that fails throws an Error with a Code; a text says what was wrong, with
// what, and what would be right, and never holds a secret. A handler fails by throwing anything;
// two types mean more.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gander {

// The values are those of gander_status in the plugin ABI.
enum class Code {
  ok = 0,
  unsupported = 1,       // this broker cannot; the text says what else would
  invalid_argument = 2,  // the caller's mistake
  invalid_state = 3,     // right call, wrong moment
  not_found = 4,
  duplicate = 5,
  lease_lost = 6,
  too_large = 7,
  full = 8,  // disk, memory or a limit of the server
  throttled = 9,
  unavailable = 10,  // server away, network down, database locked: try again later
  timeout = 11,
  cancelled = 12,
  unauthenticated = 13,
  forbidden = 14,
  corrupt = 15,  // what is stored cannot be read
  no_memory = 16,
  internal = 17,  // a defect of gander or of a plugin
  config = 18,    // a setting is wrong; the text names it
};

// "unavailable", "too_large", ...
std::string_view to_string(Code) noexcept;

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& text, bool retryable = false)
      : std::runtime_error(text), code_(code), retryable_(retryable) {}
  [[nodiscard]] Code code() const noexcept { return code_; }
  // The same call may succeed later.
  [[nodiscard]] bool retryable() const noexcept { return retryable_; }

 private:
  Code code_;
  bool retryable_;
};

// Stored or sent text does not read as what it should be: the place, what was found, what was
// wanted.
class DecodeError : public Error {
 public:
  explicit DecodeError(const std::string& text) : Error(Code::invalid_argument, text) {}
};

// Thrown by a handler: no retry, to the dead letters now.
class Discard : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown by a handler: not now, again after `delay`; no attempt is spent.
class Snooze : public std::exception {
 public:
  explicit Snooze(std::chrono::milliseconds delay) : delay_(delay) {}
  [[nodiscard]] std::chrono::milliseconds delay() const noexcept { return delay_; }
  [[nodiscard]] const char* what() const noexcept override { return "snooze"; }

 private:
  std::chrono::milliseconds delay_;
};

}  // namespace gander
