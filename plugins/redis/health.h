// health/1: what INFO says that an operator should know.
#pragma once

#include "connection.h"

namespace gander::redis {

// The server's clock in microseconds, by one round trip.
std::int64_t server_time(Connection& connection);
void report_health(Connection& connection, const Keys& keys, const sdk::HealthVisitor& visit);

}  // namespace gander::redis
