// An application outside the tree: enqueues 100 jobs, runs them, says over which broker. It is
// built once.
#include <gander/config.h>
#include <gander/gander.h>

#include <atomic>
#include <iostream>

namespace {
std::atomic<int> sum{0};
void add(int n) { sum += n; }
constexpr gander::Job<"swap.add", add> kAdd;
}  // namespace

int main() {
  const gander::Config config = gander::Config::standard();
  const gander::Broker broker(config);
  gander::Client(broker).enqueue_all(kAdd, std::vector<int>(100, 1));
  gander::Worker worker(broker, config);
  worker.handle(kAdd).start();
  const bool idle = worker.wait_idle(std::chrono::seconds(30));
  worker.stop();
  std::cout << broker.info().plugin << ' ' << sum << std::endl;
  return idle && sum == 100 ? 0 : 1;
}
