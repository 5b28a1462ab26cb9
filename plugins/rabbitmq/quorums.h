// Which parts of the topology cannot be used now, as most of the nodes that hold them are away.
//
// A quorum queue without a majority takes no consumer and confirms nothing. RabbitMQ lets such a
// call wait for half a minute, and then closes the connection: whatever else that one does waits,
// too, and is lost with it. So who meets such a queue says so here. Nobody of this instance uses it
// from then on, and a thread asks it on a connection of its own, again and again, until it answers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "settings.h"
#include "topology.h"

namespace gander::rabbitmq {

class Quorums {  // [any]
 public:
  // Called with the name of a queue that can be used again.
  using Ring = std::function<void(const std::string& queue)>;

  Quorums(sdk::Host host, const Settings& settings, const Names& names, Ring ring)
      : host_(host), settings_(settings), names_(names), topology_(names), ring_(std::move(ring)) {}

  // `name`, a queue of the server's in that part, has not answered a call for long: the part is
  // away.
  void miss(const Part& part, const std::string& name);
  // It has not answered yet, as it may be slow: the part is away if it does not answer the thread.
  void doubt(const Part& part, const std::string& name);
  // The same, and waits for what the thread finds out.
  bool find_out(const Part& part, const std::string& name, TimePoint until);
  [[nodiscard]] bool away(const Part& part) const;
  [[nodiscard]] bool all_well() const { return !any_; }
  // What it means for a call.
  [[nodiscard]] sdk::Error error(const Part& part) const;

 private:
  struct Doubt {
    Part part;
    std::set<std::string> names;
    TimePoint ask_at{};  // at once, at first
    bool away = false;
    bool thorough = false;  // what was asked the last time told too little
  };
  enum class Answer { yes, no, none };  // none: no server was there to be asked

  Doubt& note(const Part& part, const std::string& name);
  void set_away(Doubt& doubt);
  void watch(const std::stop_token& stop);
  void settle(const std::string& key, Answer answer);
  [[nodiscard]] Answer ask(const Doubt& doubt) const;

  const sdk::Host host_;
  const Settings& settings_;
  const Names& names_;
  const Topology topology_;
  const Ring ring_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::map<std::string, Doubt> doubts_;  // by key of the part
  std::map<std::string, std::chrono::steady_clock::time_point> back_at_;
  bool fresh_ = false;            // there is one that was not asked yet
  std::atomic<bool> any_{false};  // so that nobody waits for the mutex while all is well
  std::jthread watching_;         // from the first doubt on; ends first
};

}  // namespace gander::rabbitmq
