#include "job_module.h"

#include <gander/error.h>
#include <gander/sdk/jobs.h>

#include <cstring>
#include <memory>

#include "plugin_host.h"
#include "plugin_loader.h"
#include "status.h"
#include "text.h"

namespace gander {
namespace {

gander_job_call call_of(Context& context, std::string_view args) {
  gander_job_call call{};
  call.struct_size = sizeof(call);
  call.attempts = context.attempt - 1;
  std::memcpy(call.id.bytes, context.id.bytes().data(), sizeof(call.id.bytes));
  call.job = str(context.job);
  call.queue = str(context.queue);
  call.args = str(args);
  if (context.deadline != std::chrono::system_clock::time_point{})
    call.deadline_us = us_of(context.deadline);
  call.host_data = &context;
  call.stop_requested = module_stop_requested;
  return call;
}

// The module's status as what a handler would have thrown.
void throw_outcome(const Status& status) {
  switch (status.code) {
    case GANDER_OK: return;
    case GANDER_JOB_DISCARD: throw Discard(status.text());
    case GANDER_JOB_SNOOZE: throw Snooze(std::chrono::milliseconds(status.error.retry_after_ms));
    case GANDER_INVALID_ARGUMENT: throw DecodeError(status.text());
    default: throw std::runtime_error(status.text());
  }
}

}  // namespace

std::int32_t module_stop_requested(const gander_job_call* call) noexcept {
  return static_cast<const Context*>(call->host_data)->stop.stop_requested() ? 1 : 0;
}

std::vector<ModuleJob> jobs_of_module(const std::string& file, std::shared_ptr<const Clock> clock) {
  const LoadedPlugin plugin = PluginLoader::load(file);
  const gander_component* component = plugin.component(GANDER_JOBS_KIND);
  if (component == nullptr || component->table == nullptr)
    throw Error(Code::config,
                "plugin " + file + ": offers no " GANDER_JOBS_KIND ": it is not a job module");
  const auto* table = static_cast<const gander_jobs_table*>(component->table);
  auto host = std::make_shared<PluginHost>(plugin.plugin->id, std::move(clock));
  std::vector<ModuleJob> jobs;
  for (std::uint32_t i = 0; i < table->count; ++i) {
    const gander_job_entry* entry = GANDER_AT(gander_job_entry, table->jobs, table->item_size, i);
    jobs.push_back({entry->name, static_cast<int>(entry->payload_version),
                    [table, host](Context& context, const Reader& args) {
                      const std::string json = args.to_json();
                      const gander_job_call call = call_of(context, json);
                      Status status;
                      status.code = table->run(host->abi(), &call, &status.error);
                      throw_outcome(status);
                    }});
  }
  return jobs;
}

}  // namespace gander
