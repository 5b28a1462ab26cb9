// What all sessions of one instance share. [any]
#pragma once

#include <atomic>
#include <chrono>
#include <gander/sdk/broker.hpp>
#include <gander/sdk/doorbell.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "fresh.h"
#include "names.h"
#include "quorums.h"
#include "settings.h"

namespace gander::rabbitmq {

// One incarnation, as its CONSUME and its TEND session know it.
struct Life {
  std::atomic<bool> over{false};            // its connection is gone, and so is what it held
  std::atomic<std::uint64_t> reclaimed{0};  // taken over from the dead since the last tend()
};

struct Instance {
  Instance(sdk::Host h, const sdk::Options& options)
      : host(h),
        settings(options),
        names(settings.prefix),
        quorums(h, settings, names, [this](const std::string& queue) { bell.ring(queue); }) {}

  // INVALID_STATE when it lives already.
  std::shared_ptr<Life> begin(const std::string& incarnation) {
    const std::lock_guard lock(mutex);
    std::weak_ptr<Life>& known = lives[incarnation];
    if (!known.expired())
      throw sdk::Error(GANDER_INVALID_STATE,
                       "incarnation '" + incarnation + "' has a session already");
    std::erase_if(lives, [&](const auto& each) {
      return each.first != incarnation && each.second.expired();
    });
    auto life = std::make_shared<Life>();
    known = life;
    return life;
  }
  std::shared_ptr<Life> find(const std::string& incarnation) {
    const std::lock_guard lock(mutex);
    const auto it = lives.find(incarnation);
    return it == lives.end() ? nullptr : it->second.lock();
  }

  sdk::Host host;
  Settings settings;
  Names names;
  Fresh fresh;
  // Shared while messages arrive at queues through us, alone while a consumer is cancelled: what
  // arrives in that moment the server counts as if its worker had crashed. What others send then is
  // counted so; of ours nothing need be.
  std::shared_mutex arrivals;
  // Takes it, by a lock of either kind, or goes without after a moment: whoever has it may wait for
  // the server for seconds, and one crash too many is no harm.
  template <class Lock>
  static void lock_for_a_moment(Lock& lock) {
    for (int tries = 0; tries < 50 && !lock.try_lock(); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  sdk::Doorbell bell;  // rung when a delivery has come, and when an enqueue was confirmed
  Quorums quorums;

 private:
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<Life>> lives;
};

}  // namespace gander::rabbitmq
