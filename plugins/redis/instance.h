// What all sessions of one instance share. [any]
#pragma once

#include <atomic>
#include <gander/sdk/broker.hpp>

#include "keys.h"
#include "settings.h"

namespace gander::redis {

struct Instance {
  Instance(sdk::Host h, const sdk::Options& options)
      : host(h), settings(options), keys(settings.prefix) {}

  sdk::Host host;
  Settings settings;
  Keys keys;
  std::atomic<bool> warned{false};  // of a server that keeps nothing: once is enough
};

}  // namespace gander::redis
