// take_and_die URL PREFIX MEMBER: a worker that dies of the first message that it takes, at once.
// Prints the message's number, and how many crashes it had counted by then.
#include <unistd.h>

#include <cstdio>

#include "cluster.h"

int main(int argc, char** argv) {
  using namespace gander::test;
  if (argc != 4) return 2;
  FakeHost host;
  Broker broker = broker_on(host, argv[1], argv[2], {{"member", argv[3]}, {"lease_ms", "60000"}});
  Session consumer = consumer_on(broker, "dies");
  std::vector<Taken> keep;
  const auto taken = take_until(consumer, 1, keep);
  if (taken.empty()) _exit(1);
  std::printf("%d %u\n", static_cast<int>(number_of(taken[0].id)), taken[0].crashes);
  std::fflush(stdout);
  _exit(0);
}
