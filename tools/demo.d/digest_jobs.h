// The one job of the demo, as its producer and its module both see it.
#pragma once

#include <gander/job.h>

#include <string>

// Appends "<SHA-256>  <path>" to `results`, as sha256sum would print it. `pause_us` lets a folder
// of few files last long enough for a worker to be killed in the middle.
void digest_file(gander::Context& context, const std::string& path, const std::string& results,
                 int pause_us);

inline constexpr gander::Job<"demo.digest", digest_file> digest;
