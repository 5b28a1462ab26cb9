// What Child runs: sqlite_child COMMAND DATABASE [ARGUMENTS]. Prints a line when it has come to the
// point that the test waits for. Errors: one line "error CODE TEXT", exit 3.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "plugin.h"

using namespace gander::test;

namespace {

std::int64_t monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Takes N deliveries and lives on, holding them.
int hold(Broker& broker, const std::string& incarnation, unsigned n) {
  Session session = broker.open(GANDER_ROLE_CONSUME, incarnation);
  const Taken taken = session.take(n);
  std::cout << "held " << taken.size() << std::endl;
  for (;;) pause();
}

// Waits on a WAIT session as often as it is told to; says when each wait ended.
int wait_often(Broker& broker) {
  Session session = broker.open(GANDER_ROLE_WAIT);
  std::cout << "open" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    const gander_status status = session.wait(std::chrono::seconds(20));
    std::cout << status << " " << monotonic_us() << std::endl;
  }
  return 0;
}

// Stores one message after another, saying the number of each when it is durable.
int storm(Broker& broker, std::uint64_t first) {
  Session session = broker.open(GANDER_ROLE_PRODUCE);
  for (std::uint64_t n = first;; ++n) {
    session.enqueue({message(n)});
    std::cout << n << std::endl;
  }
}

int enqueue_some(Broker& broker, std::uint64_t first, std::uint64_t count) {
  Session session = broker.open(GANDER_ROLE_PRODUCE);
  for (std::uint64_t n = first; n < first + count; ++n) session.enqueue({message(n)});
  std::cout << "done" << std::endl;
  return 0;
}

// Stores until the limit on file size ends it; then, with the limit lifted, once more.
int fill(Broker& broker, std::uint64_t limit_bytes) {
  signal(SIGXFSZ, SIG_IGN);
  Session session = broker.open(GANDER_ROLE_PRODUCE);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = limit_bytes;
  setrlimit(RLIMIT_FSIZE, &limit);
  std::uint64_t stored = 0;
  try {
    for (;; ++stored) {
      Message m = message(stored + 1);
      m.body = std::string(100'000, 'x');
      session.enqueue({m});
    }
  } catch (const Failure& f) {
    std::cout << "stopped " << stored << " " << f.error.code << " " << f.error.message << std::endl;
  }
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_FSIZE, &limit);
  const auto verdicts = session.enqueue({message(stored + 1)});
  std::cout << "again " << verdicts.at(0) << std::endl;
  return 0;
}

// As nobody in particular, opens a producer.
int open_as_nobody(FakeHost& host, const std::string& path) {
  static_cast<void>(plugin());  // loaded while its folder can still be read
  if (geteuid() == 0 && setuid(65534) != 0) return 4;
  FileBroker broker(host, path);
  broker.open(GANDER_ROLE_PRODUCE);
  std::cout << "open" << std::endl;
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  FakeHost host;
  const std::string& command = arguments.at(0);
  const auto number = [&](std::size_t i) { return std::stoull(arguments.at(i)); };
  if (command == "open") return open_as_nobody(host, arguments.at(1));
  FileBroker broker(host, arguments.at(1));
  if (command == "hold") return hold(broker, arguments.at(2), static_cast<unsigned>(number(3)));
  if (command == "wait") return wait_often(broker);
  if (command == "storm") return storm(broker, number(2));
  if (command == "enqueue") return enqueue_some(broker, number(2), number(3));
  if (command == "fill") return fill(broker, number(2));
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const Failure& f) {
    std::cout << "error " << f.error.code << " " << f.error.message << std::endl;
    return 3;
  }
}
