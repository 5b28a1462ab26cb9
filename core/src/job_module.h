// Handlers that come from a job module: a plugin with gander.jobs/1.
#pragma once

#include <gander/context.h>
#include <gander/json.h>
#include <gander/sdk/jobs.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clock.h"

namespace gander {

struct ModuleJob {
  std::string name;
  int version;
  std::function<void(Context&, const Reader&)> run;
};

// gander_job_call::stop_requested of this host. Seeing it, a C++ module that shares this libgander
// knows that host_data is a Context, and takes that, stop token, progress and all.
std::int32_t module_stop_requested(const gander_job_call* call) noexcept;

// Loads the file (an absolute path) and lists its jobs; throws Error(config).
std::vector<ModuleJob> jobs_of_module(const std::string& file, std::shared_ptr<const Clock> clock);

}  // namespace gander
