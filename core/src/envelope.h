// The body of a message: which job, which arguments, and what it asks for. The format of
// docs/message_format.md.
//
//   body     = JSON object, UTF-8, of:
//     "v"          1             format of this object; a higher one is parked, not failed
//     "job"        string        name, 1 to 200 characters
//     "args"       array         one value per parameter
//     "pv"         integer >= 1  payload version of the arguments; absent: 1
//     "retry"      object        overrides of the handler's policy, all optional:
//        "max"       integer >= 0
//        "queue"     string
//        "skip_dead" boolean
//     "timeout_ms" integer > 0   of one run; absent: none
//     "trace"      string        W3C traceparent; absent: none
//   Unknown members are ignored, and kept, as the body is never rewritten.
#pragma once

#include <gander/client.h>
#include <gander/json.h>

#include <optional>
#include <string_view>

namespace gander {

struct Envelope {
  std::string_view job;
  Reader args;
  int format = 1;
  int payload_version = 1;
  std::optional<int> max_retries;
  std::optional<std::string_view> retry_queue;
  std::optional<bool> skip_dead;
  std::chrono::milliseconds timeout{0};
  std::string_view trace;
};

// Appends one body. `args` is a JSON array.
void write_envelope(Writer& out, std::string_view job, int payload_version, std::string_view args,
                    const EnqueueOptions& options);
// `root` must outlive the result. Throws DecodeError.
Envelope read_envelope(const Reader& root);

// 1 to 200 bytes, no control characters, no '/' and no "..": a queue's name is part of URLs and
// file names. Throws Error(invalid_argument) saying which rule it breaks.
void check_queue_name(std::string_view name);
bool is_queue_name(std::string_view name) noexcept;
void check_job_name(std::string_view name);

}  // namespace gander
