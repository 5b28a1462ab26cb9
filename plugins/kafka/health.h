// health/1: what an operator should know about the cluster.
#pragma once

#include <gander/sdk/broker.hpp>

#include "instance.h"
#include "log.h"

namespace gander::kafka {

void report_health(Instance& instance, Log& log, const sdk::HealthVisitor& visit,
                   const sdk::Deadline& deadline);

}  // namespace gander::kafka
