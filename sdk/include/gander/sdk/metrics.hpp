// gander/sdk/metrics.hpp -- write a metrics sink as one C++ class. C++20, header-only.
#pragma once

#include <gander/sdk/metrics.h>

#include <memory>
#include <vector>

#include <gander/sdk/plugin.hpp>

namespace gander::sdk {

using Points = std::span<const gander_point* const>;

// One sink. Its constructor takes (Host, const Options&). Points are cumulative and borrowed.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;
  virtual void export_points(Points points) = 0;
};

template <class Type, std::size_t N>
gander_metrics_table metrics_table(const OptionSpec (&specs)[N]) {
  static std::span<const OptionSpec> options;
  options = specs;
  return {sizeof(gander_metrics_table), 0,
          [](const gander_host* host, const gander_kv* given, std::size_t n, gander_sink** out,
             gander_error* error) noexcept {
            return guard(error, [&]() -> gander_status {
              std::unique_ptr<Sink> sink =
                  std::make_unique<Type>(Host(host), Options(options, {given, n}));
              *out = reinterpret_cast<gander_sink*>(sink.release());
              return GANDER_OK;
            });
          },
          [](gander_sink* s) noexcept { delete reinterpret_cast<Sink*>(s); },
          [](gander_sink* s, const gander_call*, const gander_points* points,
             gander_error* error) noexcept {
            return guard(error, [&]() -> gander_status {
              std::vector<const gander_point*> list;
              list.reserve(points->count);
              for (std::size_t i = 0; i < points->count; ++i)
                list.push_back(GANDER_AT(gander_point, points->items, points->item_size, i));
              reinterpret_cast<Sink*>(s)->export_points(list);
              return GANDER_OK;
            });
          }};
}

}  // namespace gander::sdk

#define GANDER_METRICS_PLUGIN(TYPE, ID, NAME, VERSION)                             \
  extern "C" GANDER_EXPORT const gander_plugin* gander_plugin_v1(                  \
      std::uint32_t host_abi) noexcept {                                           \
    static const gander_metrics_table table =                                      \
        gander::sdk::metrics_table<TYPE>(gander_generated::kOptions);              \
    static const gander_component component = {GANDER_METRICS_KIND, NAME, nullptr, \
                                               gander_generated::kSchema, &table}; \
    static const gander_plugin plugin = {sizeof(gander_plugin),                    \
                                         GANDER_ABI,                               \
                                         GANDER_ABI_MAJOR << 16,                   \
                                         0,                                        \
                                         ID,                                       \
                                         VERSION,                                  \
                                         "",                                       \
                                         "",                                       \
                                         "",                                       \
                                         GANDER_COMPILER,                          \
                                         sizeof(gander_component),                 \
                                         1,                                        \
                                         &component};                              \
    return (host_abi >> 16) == GANDER_ABI_MAJOR ? &plugin : nullptr;               \
  }
