// What the raw programs share: their command line, the clock, a line for each operation, and the
// least honest group commit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace raw {

struct Options {
  std::string broker;  // the program is raw_<broker>
  std::string place;   // what --url, or the flag of the program's own, says
  int jobs = 200'000, batch = 500, threads = 16;
  bool json = false;

  void print(const char* op, double rate) const {
    if (json)
      std::printf("{\"broker\":\"%s\",\"op\":\"%s\",\"rate\":%.0f}\n", broker.c_str(), op, rate);
    else
      std::printf("%-10s %10.0f jobs/s\n", op, rate);
  }
};

// Ends the program, with the usage, when it is none.
inline Options parse(int argc, char** argv, const std::string& broker,
                     const std::string& place_flag = "--url") {
  Options o;
  o.broker = broker;
  bool good = true;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--json") {
      o.json = true;
      continue;
    }
    const char* value = i + 1 < argc ? argv[++i] : "";
    if (flag == place_flag)
      o.place = value;
    else if (flag == "--jobs")
      o.jobs = std::atoi(value);
    else if (flag == "--batch")
      o.batch = std::atoi(value);
    else if (flag == "--threads")
      o.threads = std::atoi(value);
    else
      good = false;
  }
  if (good && !o.place.empty() && o.jobs > 0 && o.batch > 0 && o.threads > 0) return o;
  std::fprintf(stderr, "usage: raw_%s %s WHERE --jobs N --batch N --threads N [--json]\n",
               broker.c_str(), place_flag.c_str());
  std::exit(2);
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Runs one(thread) in each of so many threads, `each` times; returns how many a second.
template <class One>
double rate_of_threads(int threads, int each, const One& one) {
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> pool;
    for (int t = 0; t < threads; ++t)
      pool.emplace_back([&one, each, t] {
        for (int i = 0; i < each; ++i) one(t);
      });
  }
  return static_cast<double>(each) * threads / seconds_since(start);
}

// Whoever finds the store free stores one for each that waits.
template <class Store>
class Group {
 public:
  explicit Group(Store store) : store_(std::move(store)) {}

  void store_one() {
    Ticket ticket;
    std::unique_lock lock(mutex_);
    waiting_.push_back(&ticket);
    ticket.turn.wait(lock, [&] { return ticket.done || !busy_; });
    if (ticket.done) return;
    busy_ = true;
    std::deque<Ticket*> group;
    group.swap(waiting_);
    lock.unlock();
    store_(static_cast<int>(group.size()));
    lock.lock();
    for (Ticket* each : group) {
      each->done = true;
      each->turn.notify_one();
    }
    busy_ = false;
    if (!waiting_.empty()) waiting_.front()->turn.notify_one();
  }

 private:
  struct Ticket {
    bool done = false;
    std::condition_variable turn;
  };
  Store store_;
  std::mutex mutex_;
  std::deque<Ticket*> waiting_;
  bool busy_ = false;
};

}  // namespace raw
