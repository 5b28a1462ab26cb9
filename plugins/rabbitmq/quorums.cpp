#include "quorums.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "error.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A queue that has a majority answers within that, if the server is not in trouble.
constexpr milliseconds kAnswerWithin{2000};
constexpr milliseconds kAskEvery{2000};
constexpr milliseconds kCloseWithin{500};
// Who misses one again so soon after it answered: then that was not the whole truth.
constexpr seconds kSoon{30};

std::string text_of(const Part& part) {
  return part.kind == Part::Kind::queue ? "the queue '" + part.queue + "'"
                                        : std::string("what delays messages");
}

}  // namespace

void Quorums::miss(const Part& part, const std::string& name) {
  const std::lock_guard lock(mutex_);
  Doubt& doubt = note(part, name);
  const auto back = back_at_.find(part.key());
  doubt.thorough = back != back_at_.end() && steady_clock::now() < back->second + kSoon;
  if (!doubt.away) set_away(doubt);
}

void Quorums::doubt(const Part& part, const std::string& name) {
  const std::lock_guard lock(mutex_);
  note(part, name);
}

bool Quorums::find_out(const Part& part, const std::string& name, TimePoint until) {
  std::unique_lock lock(mutex_);
  note(part, name);
  auto it = doubts_.end();
  changed_.wait_until(lock, until, [&] {
    it = doubts_.find(part.key());
    return it == doubts_.end() || it->second.away;
  });
  return it != doubts_.end() && it->second.away;
}

Quorums::Doubt& Quorums::note(const Part& part, const std::string& name) {
  Doubt& doubt = doubts_.try_emplace(part.key(), Doubt{part, {}}).first->second;
  if (doubt.names.insert(name).second) {
    fresh_ = any_ = true;
    changed_.notify_all();
  }
  if (!watching_.joinable())
    watching_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  return doubt;
}

void Quorums::set_away(Doubt& doubt) {
  doubt.away = true;
  host_.log(GANDER_LOG_WARN, error(doubt.part).what());
}

bool Quorums::away(const Part& part) const {
  if (all_well()) return false;
  const std::lock_guard lock(mutex_);
  const auto it = doubts_.find(part.key());
  return it != doubts_.end() && it->second.away;
}

sdk::Error Quorums::error(const Part& part) const {
  return {GANDER_UNAVAILABLE,
          settings_.where() + ": " + text_of(part) +
              " does not answer: most of the nodes that hold it are away; others can be used, and "
              "this one again when they are back",
          GANDER_ERROR_RETRYABLE};
}

// What nobody knows of yet comes before what is known to be away.
void Quorums::watch(const std::stop_token& stop) {
  const auto order = [](const auto& a, const auto& b) { return a.second.ask_at < b.second.ask_at; };
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    fresh_ = false;
    const auto next = std::ranges::min_element(doubts_, order);
    if (next == doubts_.end()) {
      changed_.wait(lock, stop, [this] { return fresh_; });
    } else if (next->second.ask_at > steady_clock::now()) {
      changed_.wait_until(lock, stop, next->second.ask_at, [this] { return fresh_; });
    } else {
      const auto [key, doubt] = *next;
      lock.unlock();
      const Answer answer = ask(doubt);
      lock.lock();
      settle(key, answer);
    }
  }
}

void Quorums::settle(const std::string& key, Answer answer) {
  Doubt& doubt = doubts_.at(key);
  doubt.ask_at = steady_clock::now() + kAskEvery;
  changed_.notify_all();
  if (answer == Answer::no && !doubt.away) set_away(doubt);
  if (answer == Answer::no || (answer == Answer::none && doubt.away)) return;
  const Doubt done = std::move(doubt);
  doubts_.erase(key);
  any_ = !doubts_.empty();
  if (!done.away) return;
  back_at_[key] = steady_clock::now();
  host_.log(GANDER_LOG_INFO,
            settings_.where() + ": " + text_of(done.part) + " answers and is used again");
  if (done.part.kind == Part::Kind::queue) ring_(done.part.queue);
}

// Only to give it a consumer needs its majority, and a consumer is given a message, whose return
// counts as if its worker had crashed. So of a queue of gander's the dead letters are asked, for
// which that does not count: they were made with the others, mostly on the same nodes. Of the
// others those that are empty; and all that were missed, when that was not enough.
Quorums::Answer Quorums::ask(const Doubt& doubt) const {
  const std::string tag = "asks";
  std::optional<Client> client;
  try {
    client.emplace(settings_, "gander asks for a majority",
                   steady_clock::now() + std::min(settings_.connect_timeout, kAnswerWithin));
  } catch (const std::exception&) {
    return Answer::none;
  }
  const TimePoint limit = steady_clock::now() + kAnswerWithin;
  std::set<std::string> names = doubt.names;
  if (doubt.part.kind == Part::Kind::queue) names.insert(names_.dead(doubt.part.key()));
  try {
    for (const std::string& name : names) {
      const auto there = client->count(name, limit);
      if (!there) continue;
      const bool counts = doubt.part.kind == Part::Kind::queue &&
                          name != names_.dead(doubt.part.key()) && *there > 0;
      if (counts && !doubt.thorough) continue;
      client->consume(name, tag, 1, Client::Acks::needed, limit);
      client->cancel(tag, limit);
      client->nack_all();
    }
    client->close(steady_clock::now() + kCloseWithin);
    return Answer::yes;
  } catch (const sdk::Error& e) {
    return e.code() == GANDER_TIMEOUT ? Answer::no : Answer::none;
  } catch (const std::exception&) {
    return Answer::none;
  }
}

}  // namespace gander::rabbitmq
