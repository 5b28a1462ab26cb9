// gander/module.h -- a .so of handlers that `gander worker --jobs FILE` loads.
//
//   #include <gander/module.h>
//   GANDER_JOBS("org.acme.mail", welcome, goodbye)     // gander::Job constants
//
// Link it with gander::gander, build it as a module with hidden symbols; it needs the C++ compiler
// of libgander.
#pragma once

#include <gander/job.h>
#include <gander/sdk/jobs.h>

#include <array>

namespace gander::detail {

// Decodes the arguments, calls the job, turns what it throws into a status of gander.jobs/1.
gander_status run_in_module(const gander_job_call* call, gander_error* error,
                            void (*run)(Context&, const Reader&)) noexcept;

template <class... Jobs>
struct Module {
  static gander_status run(const gander_host*, const gander_job_call* call,
                           gander_error* error) noexcept {
    const std::string_view name(call->job.ptr, call->job.len);
    gander_status status = GANDER_NOT_FOUND;
    static_cast<void>(
        ((Jobs::name() == name && ((status = run_in_module(call, error, &Jobs::run)), true)) ||
         ...));
    return status;
  }
  static constexpr std::array<gander_job_entry, sizeof...(Jobs)> kEntries{
      gander_job_entry{Jobs::name().data(), static_cast<std::uint32_t>(Jobs::version()), 0}...};
  static constexpr gander_jobs_table kTable{sizeof(gander_jobs_table), sizeof(gander_job_entry),
                                            sizeof...(Jobs),           0,
                                            kEntries.data(),           run};
};

template <class... Jobs>
Module<std::remove_cvref_t<Jobs>...> module_of(const Jobs&...);

}  // namespace gander::detail

#define GANDER_JOBS(ID, ...)                                                               \
  extern "C" GANDER_EXPORT const gander_plugin* gander_plugin_v1(                          \
      std::uint32_t host_abi) noexcept {                                                   \
    using Module = decltype(gander::detail::module_of(__VA_ARGS__));                       \
    static const gander_component component = {GANDER_JOBS_KIND, "jobs", nullptr, nullptr, \
                                               &Module::kTable};                           \
    static const gander_plugin plugin = {sizeof(gander_plugin),                            \
                                         GANDER_ABI,                                       \
                                         GANDER_ABI_MAJOR << 16,                           \
                                         0,                                                \
                                         ID,                                               \
                                         "",                                               \
                                         "",                                               \
                                         "",                                               \
                                         "",                                               \
                                         "",                                               \
                                         sizeof(gander_component),                         \
                                         1,                                                \
                                         &component};                                      \
    return (host_abi >> 16) == GANDER_ABI_MAJOR ? &plugin : nullptr;                       \
  }
