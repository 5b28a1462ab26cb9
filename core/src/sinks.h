// The metrics sinks a config names, and the gauges that ask the broker.
#pragma once

#include <gander/config.h>

#include <memory>
#include <vector>

#include "clock.h"
#include "metrics_exporter.h"

namespace gander {

class BrokerHandle;

// Each keeps the host lent to it alive. Throws Error(config) naming sink and place.
std::vector<MetricsExporter::NamedSink> configured_sinks(const Config& config,
                                                         std::shared_ptr<const Clock> clock);

// How many wait in each queue and in all; nothing where the broker cannot tell.
MetricsExporter::GaugeFunction queue_gauges(std::shared_ptr<BrokerHandle> broker);

}  // namespace gander
