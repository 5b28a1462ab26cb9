#include "sinks.h"

#include <gander/admin.h>
#include <gander/sdk/metrics.h>

#include "broker_handle.h"
#include "plugin_host.h"
#include "plugin_loader.h"
#include "plugin_sink.h"
#include "schema.h"

namespace gander {
namespace {

// A count that cannot be told (-1) is no point: a gauge that lies is worse than none.
void add(std::vector<Point>& points, std::string_view name, std::string_view help,
         std::int64_t value) {
  if (value < 0) return;
  Point p;
  p.name = name;
  p.help = help;
  p.value = static_cast<double>(value);
  points.push_back(std::move(p));
}

std::int64_t sum(std::int64_t a, std::int64_t b) { return a < 0 || b < 0 ? -1 : a + b; }

}  // namespace

std::vector<MetricsExporter::NamedSink> configured_sinks(const Config& config,
                                                         std::shared_ptr<const Clock> clock) {
  std::vector<MetricsExporter::NamedSink> all;
  const PluginLoader loader(config.plugin_path);
  for (const SinkConfig& sink : config.metrics) {
    const std::string plugin_name = sink.plugin.empty() ? sink.name : sink.plugin;
    try {
      const LoadedPlugin plugin = loader.find(GANDER_METRICS_KIND, plugin_name);
      const gander_component* component = plugin.component(GANDER_METRICS_KIND);
      Schema::parse(component->config_schema == nullptr ? "" : component->config_schema,
                    component->name)
          .check(sink.options, "metrics." + sink.name);
      auto host = std::make_shared<PluginHost>(sink.name, clock);
      const auto* table = static_cast<const gander_metrics_table*>(component->table);
      auto made = std::make_unique<PluginSink>(table, host->abi(), sink.name, sink.options);
      all.push_back({sink.name, std::move(made), host});
    } catch (const Error& e) {
      throw Error(e.code(), sink.where + ": metrics sink '" + sink.name + "': " + e.what());
    }
  }
  return all;
}

MetricsExporter::GaugeFunction queue_gauges(std::shared_ptr<BrokerHandle> broker) {
  return [broker = std::move(broker),
          admin = std::shared_ptr<Admin>()](std::vector<Point>& points) mutable {
    try {
      if (!admin) admin = std::make_shared<Admin>(Broker(broker));
      std::int64_t ready = 0;
      std::int64_t scheduled = 0;
      std::int64_t dead = 0;
      for (const QueueStat& q : admin->queues()) {
        add(points, metric::enqueued_name(q.name), metric::kEnqueuedHelp, q.ready);
        if (q.ready >= 0) points.back().labels = {{std::string(metric::kQueue), q.name}};
        ready = sum(ready, q.ready);
        scheduled = sum(sum(scheduled, q.scheduled), q.retry);
        dead = sum(dead, q.dead);
      }
      add(points, metric::kTotalEnqueued.name, metric::kTotalEnqueued.help, ready);
      add(points, metric::kScheduled.name, metric::kScheduled.help, scheduled);
      add(points, metric::kDead.name, metric::kDead.help, dead);
    } catch (const Error& e) {
      if (e.code() != Code::unsupported) throw;
    }
  };
}

}  // namespace gander
