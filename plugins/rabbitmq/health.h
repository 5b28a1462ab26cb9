// health/1: what an operator should know, as far as AMQP tells it.
#pragma once

#include <gander/sdk/broker.hpp>

#include "browse.h"
#include "publisher.h"

namespace gander::rabbitmq {

void report_health(Instance& instance, Browser& browser, Publisher& publisher,
                   const sdk::HealthVisitor& visitor, const sdk::Deadline& deadline);

}  // namespace gander::rabbitmq
