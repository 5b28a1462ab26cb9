// What the process says with its exit code: one table for help, man page and documentation.
#pragma once

#include <gander/error.h>

#include <string_view>

namespace gander::cli {

enum ExitCode : int {
  kOk = 0,
  kNo = 1,
  kUsage = 2,
  kConfigError = 3,
  kUnavailable = 4,
  kUnsupported = 5,
  kRefused = 6,
  kDefect = 7
};

struct ExitCodeText {
  int code;
  std::string_view name;
  std::string_view text;
};

inline constexpr ExitCodeText kExitCodes[] = {
    {kOk, "done", "what was asked for is done"},
    {kNo, "no", "not found, a check failed, nothing matched, or --yes is missing"},
    {kUsage, "usage", "the command line, or a value on it, is wrong"},
    {kConfigError, "config", "a setting, the config file or a plugin is wrong or missing"},
    {kUnavailable, "unavailable", "the broker is away, full or too slow: try again later"},
    {kUnsupported, "unsupported", "this broker cannot do it"},
    {kRefused, "refused", "the broker denies access, or the message is in use"},
    {kDefect, "defect", "stored data is corrupt, or gander or a plugin has a defect"},
};

constexpr int exit_code_of(Code code) {
  switch (code) {
    case Code::ok: return kOk;
    case Code::invalid_argument:
    case Code::too_large: return kUsage;
    case Code::not_found:  // a folder, a host, a plugin that a setting names; a message is Declined
    case Code::config: return kConfigError;
    case Code::unavailable:
    case Code::timeout:
    case Code::throttled:
    case Code::full:
    case Code::cancelled: return kUnavailable;
    case Code::unsupported: return kUnsupported;
    case Code::invalid_state:
    case Code::duplicate:
    case Code::lease_lost:
    case Code::unauthenticated:
    case Code::forbidden: return kRefused;
    default: return kDefect;
  }
}

}  // namespace gander::cli
