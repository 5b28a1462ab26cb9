// Does bad things to a load, one after the other, and remembers when.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <random>
#include <vector>

#include "append.h"
#include "ledger.h"
#include "load.h"
#include "options.h"

namespace gander::faults {

enum class Fault {
  kill_worker,
  kill_producer,
  kill_server,  // and start it again
  stop_worker,  // SIGSTOP for longer than its lease, then SIGCONT
  cut,          // a process's connections are reset
  delay,        // its bytes arrive 5 s late, for a while
  half_open,    // its bytes arrive no more, for a while, and then its connections are reset
  storm,        // another worker comes and goes every 2 s, some times
};
const char* name_of(Fault);

// Each kind in its turn, in an order by chance: the frequent ones several times a round.
class Deck {
 public:
  Deck(const Options& options, std::mt19937& random);
  // `lasting`: faults that last are wanted, too.
  Fault draw(bool lasting);

 private:
  std::vector<Fault> round_, pile_;
  std::mt19937& random_;
};

class Injector {
 public:
  Injector(const Options& options, Load& load, const Scratch& scratch);

  // So many faults, then everything is healed.
  void run(int faults);
  [[nodiscard]] const std::vector<Disturbance>& disturbances() const { return disturbances_; }
  [[nodiscard]] const std::map<Fault, int>& counts() const { return counts_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Lasting {
    Member* member;
    std::size_t disturbance;  // its end is known only then
    Clock::time_point until;
    std::chrono::microseconds aftermath;  // how long it works on when it is over
    std::function<void()> undo;
  };

  void inject(Fault);
  void kill(Member&);
  void kill_server();
  void storm();
  // Begins something that is undone after `length`.
  void begin(Member&, Clock::duration length, std::chrono::microseconds aftermath,
             std::function<void()> undo);
  void end(Lasting&);
  void end_those(const std::function<bool(const Lasting&)>& over);
  void sleep_until(Clock::time_point);
  // One with nothing lasting on it; a lasting fault leaves one worker alone.
  Member& any(std::size_t first, std::size_t last);

  const Options& options_;
  Load& load_;
  std::mt19937 random_{std::random_device{}()};
  Deck deck_;
  std::vector<Lasting> lasting_;
  std::vector<Disturbance> disturbances_;
  std::map<Fault, int> counts_;
  AppendFile log_;
  std::string services_log_;
};

}  // namespace gander::faults
