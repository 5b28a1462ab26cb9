// A producer and three workers at work on one queue, each with a way of its own to the broker.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledger.h"
#include "options.h"
#include "process.h"
#include "proxy.h"
#include "scratch.h"

namespace gander::faults {

struct Member {
  std::unique_ptr<test::Proxy> proxy;  // null where there is no network
  std::unique_ptr<Process> process;
  bool disturbed = false;  // by something that lasts, and is not over yet
};

// By SIGTERM; throws when it did not end in order.
void stop(Process& process, const char* what);

class Load {
 public:
  Load(const Options& options, const Scratch& scratch);

  // The load is on: the first run has begun.
  void wait_for_first_run() const;
  // Throws when a process ended by itself.
  void check_alive() const;
  // Stops the producer, lets the workers empty the queue, and stops them.
  void drain();

  // The workers come first; the producer is the last.
  static constexpr std::size_t kWorkers = 3;
  [[nodiscard]] std::vector<Member>& members() { return members_; }
  // One worker more, until it is stopped.
  [[nodiscard]] std::unique_ptr<Process> guest() const;
  // Messages that the broker still held at the end, dead letters among them.
  [[nodiscard]] std::int64_t left() const { return left_; }
  // Nothing else was left in the server; what was is in the file `leftovers`.
  [[nodiscard]] bool clean() const { return clean_; }
  [[nodiscard]] const Logs& logs() const { return logs_; }

 private:
  Member member(const Options& options, const Scratch& scratch, std::size_t number);
  [[nodiscard]] std::vector<std::string> worker_on(const std::string& url) const;
  // The same one, whichever process it is.
  [[nodiscard]] std::vector<std::string> named_worker_on(const std::string& url,
                                                         const std::string& option,
                                                         std::size_t number) const;
  // -1: the broker does not say at the moment.
  [[nodiscard]] std::int64_t ask_left() const;

  std::string broker_, server_, leftovers_, leftovers_log_, workers_log_;
  std::filesystem::path bin_;
  std::chrono::milliseconds lease_;
  std::string queue_ = "faults-" + std::to_string(getpid());
  Logs logs_;
  std::vector<Member> members_;
  std::int64_t left_ = 0;
  bool clean_ = true;
};

}  // namespace gander::faults
