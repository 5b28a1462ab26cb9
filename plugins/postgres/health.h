// health/1: what an operator should know of the server.
#pragma once

#include "connection.h"

namespace gander::postgres {

void report_health(Connection& connection, const sdk::HealthVisitor& visit,
                   const sdk::Deadline& deadline);

}  // namespace gander::postgres
