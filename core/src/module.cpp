#include <gander/module.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "clock.h"
#include "job_module.h"
#include "text.h"

namespace gander::detail {
namespace {

Context context_of(const gander_job_call& call) {
  Context c;
  std::array<std::uint8_t, 16> id{};
  std::memcpy(id.data(), call.id.bytes, id.size());
  c.id = Id(id);
  c.job = view(call.job);
  c.queue = view(call.queue);
  c.attempt = call.attempts + 1;
  if (call.deadline_us != 0) c.deadline = time_of(call.deadline_us);
  return c;
}

gander_status fail(gander_error* error, gander_status status, std::string_view text) {
  const std::size_t n = text.copy(error->message, sizeof(error->message) - 1);
  error->message[n] = '\0';
  error->code = status;
  return status;
}

}  // namespace

gander_status run_in_module(const gander_job_call* call, gander_error* error,
                            void (*run)(Context&, const Reader&)) noexcept {
  try {
    thread_local Document document;
    const Reader args = document.parse(view(call->args), "args");
    if (call->stop_requested == module_stop_requested) {
      run(*static_cast<Context*>(call->host_data), args);
    } else {  // another host's: what the C struct tells
      Context context = context_of(*call);
      run(context, args);
    }
    return GANDER_OK;
  } catch (const Discard& e) {
    return fail(error, GANDER_JOB_DISCARD, e.what());
  } catch (const Snooze& e) {
    error->retry_after_ms = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(e.delay().count(), 0, std::numeric_limits<std::uint32_t>::max()));
    return fail(error, GANDER_JOB_SNOOZE, "snooze");
  } catch (const DecodeError& e) {
    return fail(error, GANDER_INVALID_ARGUMENT, e.what());
  } catch (const std::exception& e) {
    return fail(error, GANDER_JOB_FAILED, e.what());
  } catch (...) {
    return fail(error, GANDER_JOB_FAILED,
                "the handler threw something that is not a std::exception");
  }
}

}  // namespace gander::detail
