#include "ledger.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <unordered_map>

namespace gander::faults {

namespace {

// How long after a run, or before it, its process's hold on the message is still on its way to or
// from the broker: a verdict leaves within 2 ms, and the rest is what a busy disk may add.
constexpr std::int64_t kOnItsWay = 1'000'000;

struct Run {
  pid_t pid = 0;
  std::int64_t begin_us = 0;
  unsigned returns = 0;  // how often the message had come back from a worker
  std::optional<std::int64_t> end_us;
};
struct Ack {
  pid_t pid = 0;
  std::int64_t sent_us = 0, acked_us = 0;
};
using AcksOf = std::unordered_map<std::string, Ack>;
using RunsOf = std::unordered_map<std::string, std::vector<Run>>;

RunsOf read_runs(const std::string& file) {
  RunsOf runs;
  std::ifstream in(file);
  std::string what, id;
  pid_t pid = 0;
  std::int64_t at = 0;
  unsigned returns = 0;
  while (in >> what >> id >> pid >> at >> returns) {
    auto& of_id = runs[id];
    if (what == "begin") {
      of_id.push_back({pid, at, returns, {}});
      continue;
    }
    for (auto run = of_id.rbegin(); run != of_id.rend(); ++run)
      if (run->pid == pid && !run->end_us) {
        run->end_us = at;
        break;
      }
  }
  return runs;
}

// The earlier run was in flight at the disturbance, which came before the later one.
bool left_behind(const Disturbance& d, const Run& earlier, const Run& later) {
  return (d.pid == 0 || d.pid == earlier.pid) && d.from_us <= later.begin_us &&
         d.to_us + kOnItsWay >= earlier.begin_us &&
         (!earlier.end_us || d.from_us <= *earlier.end_us + kOnItsWay);
}

// For how long the earlier run had been over at the disturbance; 0 if it was not.
std::int64_t over_for(const Disturbance& d, const Run& earlier) {
  return earlier.end_us ? std::max<std::int64_t>(0, d.from_us - *earlier.end_us) : 0;
}

// The later run is that of a process which had the message in hand before it was disturbed, and
// began with it when it came to again, too late.
bool woke_late(const Disturbance& d, const Run& earlier, const Run& later) {
  return d.pid == later.pid && d.from_us <= earlier.begin_us &&
         d.to_us + kOnItsWay >= later.begin_us;
}

// Its enqueue was in flight at the disturbance, so it may have been sent twice.
bool met_enqueue(const Disturbance& d, const Ack& ack) {
  return (d.pid == 0 || d.pid == ack.pid) && d.from_us <= ack.acked_us &&
         d.to_us + kOnItsWay >= ack.sent_us;
}

// A third process had it in hand before either run, and was disturbed while it gave it back: both
// what it stored and what it held went on. The returns that the runs tell are not of one copy.
bool moved_twice(const Disturbance& d, const Ack& ack, const Run& earlier, const Run& later) {
  const bool two_copies = later.returns > earlier.returns + 1 || later.returns < earlier.returns;
  return two_copies && d.from_us <= later.begin_us && d.to_us + kOnItsWay >= ack.acked_us;
}

class Judge {
 public:
  explicit Judge(const std::vector<Disturbance>& disturbances) : disturbances_(disturbances) {}

  void acknowledged(const std::string& id, const std::vector<Run>* runs) {
    ++verdict_.ids;
    if (runs == nullptr || std::none_of(runs->begin(), runs->end(),
                                        [](const Run& run) { return run.end_us.has_value(); })) {
      ++verdict_.lost;
      complain(id + " was acknowledged and never ran to its end");
    }
  }

  // `ack`: null when its enqueue never returned.
  void runs_of(const std::string& id, std::vector<Run>& runs, const Ack* ack) {
    std::sort(runs.begin(), runs.end(),
              [](const Run& a, const Run& b) { return a.begin_us < b.begin_us; });
    for (const Run& run : runs) begins_.push_back(run.begin_us);
    for (std::size_t i = 1; i < runs.size(); ++i) {
      ++verdict_.duplicates;
      const Run &earlier = runs[i - 1], &later = runs[i];
      bool explained = false, resent = ack == nullptr;
      std::int64_t undone = kOnItsWay;
      for (const Disturbance& d : disturbances_) {
        const bool left = left_behind(d, earlier, later);
        if (left && d.killed && later.returns == earlier.returns + 1)
          recovered(d.from_us, later.begin_us);
        if (left) undone = std::min(undone, over_for(d, earlier));
        explained = explained || left || woke_late(d, earlier, later);
        resent = resent || met_enqueue(d, *ack) || moved_twice(d, *ack, earlier, later);
      }
      if (undone < kOnItsWay)
        verdict_.oldest_undone_s =
            std::max(verdict_.oldest_undone_s, static_cast<double>(undone) / 1e6);
      if (explained) continue;
      if (resent) {
        ++verdict_.stored_twice;
        continue;
      }
      ++verdict_.unexplained;
      complain(id + " ran in process " + std::to_string(earlier.pid) + " and again in process " +
               std::to_string(later.pid) + ", though no fault came between");
    }
  }

  Verdict result() {
    std::sort(begins_.begin(), begins_.end());
    for (const Disturbance& d : disturbances_) {
      if (d.pid != 0) continue;
      const auto next = std::lower_bound(begins_.begin(), begins_.end(), d.to_us);
      if (next == begins_.end()) continue;
      const std::int64_t until = away_again(d.to_us, *next);
      verdict_.worst_resume_s =
          std::max(verdict_.worst_resume_s, static_cast<double>(until - d.to_us) / 1e6);
    }
    return std::move(verdict_);
  }

 private:
  // When the server went away again, or else the end: work cannot go on before its next return.
  [[nodiscard]] std::int64_t away_again(std::int64_t from_us, std::int64_t to_us) const {
    for (const Disturbance& d : disturbances_)
      if (d.pid == 0 && d.from_us > from_us) to_us = std::min(to_us, d.from_us);
    return to_us;
  }
  void recovered(std::int64_t from_us, std::int64_t to_us) {
    verdict_.worst_recovery_s =
        std::max(verdict_.worst_recovery_s, static_cast<double>(to_us - from_us) / 1e6);
  }
  void complain(const std::string& text) {
    if (verdict_.complaints.size() < 10) verdict_.complaints.push_back(text);
  }

  const std::vector<Disturbance>& disturbances_;
  std::vector<std::int64_t> begins_;
  Verdict verdict_;
};

AcksOf read_acks(const std::string& file) {
  AcksOf acks;
  std::ifstream in(file);
  std::string id;
  for (Ack ack; in >> id >> ack.pid >> ack.sent_us >> ack.acked_us;) acks[id] = ack;
  return acks;
}

}  // namespace

Verdict judge(const Logs& logs, const std::vector<Disturbance>& disturbances) {
  Judge judge(disturbances);
  RunsOf runs_of = read_runs(logs.runs);
  const AcksOf acks = read_acks(logs.acks);
  for (const auto& [id, ack] : acks) {
    const auto found = runs_of.find(id);
    judge.acknowledged(id, found == runs_of.end() ? nullptr : &found->second);
  }
  for (auto& [id, of_id] : runs_of) {
    const auto found = acks.find(id);
    judge.runs_of(id, of_id, found == acks.end() ? nullptr : &found->second);
  }
  return judge.result();
}

}  // namespace gander::faults
