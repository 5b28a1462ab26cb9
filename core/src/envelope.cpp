#include "envelope.h"

#include <algorithm>
#include <limits>

namespace gander {
namespace {

constexpr std::size_t kMaxName = 200;

void check_name(std::string_view name, const char* what) {
  const auto refuse = [&](const std::string& rule) {
    throw Error(Code::invalid_argument,
                std::string(what) + " name '" + std::string(name.substr(0, 60)) + "' " + rule);
  };
  if (name.empty()) refuse("is empty: 1 to 200 characters are needed");
  if (name.size() > kMaxName)
    refuse("... has " + std::to_string(name.size()) + " bytes: at most 200 are allowed");
  if (std::any_of(name.begin(), name.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
    refuse("holds a control character");
}

bool has_overrides(const EnqueueOptions& o) {
  return o.max_retries || o.retry_queue || o.skip_dead;
}

void write_retry(Writer& out, const EnqueueOptions& o) {
  out.key("retry");
  out.begin_object();
  if (o.max_retries) {
    out.key("max");
    out.integer(*o.max_retries);
  }
  if (o.retry_queue) {
    out.key("queue");
    out.string(*o.retry_queue);
  }
  if (o.skip_dead) {
    out.key("skip_dead");
    out.boolean(*o.skip_dead);
  }
  out.end_object();
}

int positive(const Reader& in) {
  return static_cast<int>(in.integer(1, std::numeric_limits<int>::max()));
}

void read_retry(const Reader& in, Envelope& e) {
  if (const Reader max = in.member("max"); !max.is_null())
    e.max_retries = static_cast<int>(max.integer(0, std::numeric_limits<int>::max()));
  if (const Reader queue = in.member("queue"); !queue.is_null()) e.retry_queue = queue.string();
  if (const Reader skip = in.member("skip_dead"); !skip.is_null()) e.skip_dead = skip.boolean();
}

}  // namespace

void write_envelope(Writer& out, std::string_view job, int payload_version, std::string_view args,
                    const EnqueueOptions& options) {
  out.begin_object();
  out.key("v");
  out.integer(1);
  out.key("job");
  out.string(job);
  out.key("args");
  out.raw(args);
  if (payload_version != 1) {
    out.key("pv");
    out.integer(payload_version);
  }
  if (has_overrides(options)) write_retry(out, options);
  if (options.timeout) {
    out.key("timeout_ms");
    out.integer(options.timeout->count());
  }
  if (!options.trace.empty()) {
    out.key("trace");
    out.string(options.trace);
  }
  out.end_object();
}

Envelope read_envelope(const Reader& root) {
  Envelope e{{}, root.member("args"), 1, 1, {}, {}, {}, {}, {}};
  e.format = positive(root.member("v"));
  const Reader job = root.member("job");
  if (e.format > 1) {  // nothing else of it is known, but what is likely to be a name
    if (job.is_string()) e.job = job.string();
    return e;
  }
  e.job = job.string();
  const std::size_t members = root.member_count();
  for (std::size_t i = 0; i < members; ++i) {
    const std::string_view name = root.member_name(i);
    if (name == "pv") e.payload_version = positive(root.member_at(i));
    if (name == "retry") read_retry(root.member_at(i), e);
    if (name == "timeout_ms") e.timeout = std::chrono::milliseconds(positive(root.member_at(i)));
    if (name == "trace") e.trace = root.member_at(i).string();
  }
  return e;
}

void check_queue_name(std::string_view name) {
  check_name(name, "queue");
  if (name.find('/') != std::string_view::npos || name.find("..") != std::string_view::npos)
    throw Error(Code::invalid_argument,
                "queue name '" + std::string(name) +
                    "' holds '/' or '..': use letters, digits, '.', '_', '-' and ':'");
}

bool is_queue_name(std::string_view name) noexcept {
  try {
    check_queue_name(name);
    return true;
  } catch (...) {
    return false;
  }
}

void check_job_name(std::string_view name) { check_name(name, "job"); }

}  // namespace gander
