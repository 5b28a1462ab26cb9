// A sink that is a plugin: the one bridge from Point to gander_point.
#pragma once

#include <gander/metrics.h>
#include <gander/sdk/metrics.h>

#include <map>
#include <string>

namespace gander {

// Owns an instance of the plugin's sink. The table and the host must outlive it; `host` is lent to
// the plugin until the destructor returns.
class PluginSink final : public MetricsSink {
 public:
  // Throws Error(config) when the plugin refuses the options; `plugin` names it in errors.
  PluginSink(const gander_metrics_table* table, const gander_host* host, std::string plugin,
             const std::map<std::string, std::string>& options);
  ~PluginSink() override;
  // Throws Error when the plugin reports a failure.
  void export_points(std::span<const Point> points) override;

 private:
  const gander_metrics_table* table_;
  std::string plugin_;
  gander_sink* sink_ = nullptr;
};

}  // namespace gander
