// Runs one delivery: decode -> middleware -> handler -> Outcome. Settles nothing: it says what is
// to be settled.
#pragma once

#include <gander/metrics.h>
#include <gander/middleware.h>
#include <gander/worker.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "clock.h"
#include "delivery.h"
#include "run_slot.h"

namespace gander {

struct Handler {
  int version = 1;
  std::function<void(Context&, const Reader&)> run;
  std::optional<RetryPolicy> policy;
};

// What all executors of a worker share; unchanged once it runs.
struct Workshop {
  std::map<std::string, Handler, std::less<>> handlers;
  std::vector<Middleware> middlewares;
  RetryPolicy retry;
  int max_crashes = 3;
  std::chrono::milliseconds park_delay{15000};
  const Clock* clock = nullptr;
  Metrics* metrics = nullptr;
};

// One per thread.
class Executor {
 public:
  explicit Executor(const Workshop& workshop) : shop_(workshop) {}

  // Never throws, whatever the handler does; a handler that ends its thread takes only itself.
  Settlement run(Delivery delivery, RunSlot& slot);

 private:
  struct Plan;  // a decoded delivery and its handler
  struct Result;
  struct NamesLess {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
      const std::string_view a_job = a.first, b_job = b.first;
      const std::string_view a_queue = a.second, b_queue = b.second;
      return a_job != b_job ? a_job < b_job : a_queue < b_queue;
    }
  };
  struct Numbers {
    Counter processed, succeeded, failed;
    Histogram execution, latency, scheduled, retry;
  };

  Settlement park(Delivery delivery, const std::string& why) const;
  Settlement bury(Delivery delivery, const std::string& why) const;
  std::optional<Settlement> refuse(const Delivery& delivery, const Plan& plan) const;
  Settlement execute(Delivery delivery, const Plan& plan, RunSlot& slot);
  Result call(const Plan& plan, Context& context, RunSlot& slot);
  Settlement settle(Delivery delivery, const Plan& plan, const Context& context,
                    const Result& result);
  Settlement fail(Delivery delivery, const Plan& plan, const Context& context,
                  const std::string& error);
  Settlement die(Delivery delivery, const Plan& plan, const Context& context,
                 const std::string& error);
  RetryPolicy policy_of(const Plan& plan) const;
  Numbers& numbers(std::string_view job, std::string_view queue);
  void record_start(Numbers& numbers, const gander_message& message, std::int64_t now_us) const;

  const Workshop& shop_;
  Document document_;
  std::minstd_rand random_{std::random_device{}()};
  std::map<std::pair<std::string, std::string>, Numbers, NamesLess> numbers_;  // by job and queue
};

}  // namespace gander
