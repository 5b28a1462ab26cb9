// health/1: what an operator should know about the file.
#pragma once

#include "connection.h"
#include "settings.h"
#include "wake.h"

namespace gander::sqlite {

void report_health(Connection& connection, const Settings& settings, const Wake& wake,
                   const sdk::HealthVisitor& visit);

}  // namespace gander::sqlite
