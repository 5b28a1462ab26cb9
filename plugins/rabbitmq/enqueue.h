// What a PRODUCE session does.
#pragma once

#include <vector>

#include "publisher.h"

namespace gander::rabbitmq {

class Enqueuer {
 public:
  Enqueuer(Instance& instance, const sdk::Deadline& deadline);
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);

 private:
  [[nodiscard]] sdk::Error too_late() const;
  [[nodiscard]] sdk::Error left_out(const Outgoing& item) const;

  Instance& instance_;
  Publisher publisher_;
  std::vector<Outgoing> items_;
  std::vector<std::size_t> places_;
};

// Seconds from now until then, rounded up, so that nothing comes early; 0: it is due.
std::int64_t delay_until(std::int64_t run_at_us, std::int64_t now_us);
TimePoint limit_of(const sdk::Deadline& deadline, const Settings& settings);

}  // namespace gander::rabbitmq
