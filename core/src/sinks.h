// The metrics sinks a config names, and the gauges that ask the broker.
#pragma once

#include <gander/config.h>

#include <memory>
#include <utility>
#include <vector>

#include "metrics_exporter.h"
#include "plugin_host.h"

namespace gander {

class BrokerHandle;

// Each with the host lent to it, which must outlive the sink. Throws Error(config) naming sink and
// place.
std::vector<std::pair<std::unique_ptr<PluginHost>, MetricsExporter::NamedSink>> configured_sinks(
    const Config& config, const Clock& clock);

// How many wait in each queue and in all; nothing where the broker cannot tell.
MetricsExporter::GaugeFunction queue_gauges(std::shared_ptr<BrokerHandle> broker);

}  // namespace gander
