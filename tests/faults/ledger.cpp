#include "ledger.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <unordered_map>

namespace gander::faults {

namespace {

// Done, and its verdict not yet with the broker: a verdict leaves within 2 ms, and the rest is what
// a busy disk may add.
constexpr std::int64_t kVerdictOnItsWay = 1'000'000;

struct Run {
  pid_t pid = 0;
  std::int64_t begin_us = 0;
  std::optional<std::int64_t> end_us;
};
using RunsOf = std::unordered_map<std::string, std::vector<Run>>;

RunsOf read_runs(const std::string& file) {
  RunsOf runs;
  std::ifstream in(file);
  std::string what, id;
  pid_t pid = 0;
  std::int64_t at = 0;
  while (in >> what >> id >> pid >> at) {
    auto& of_id = runs[id];
    if (what == "begin") {
      of_id.push_back({pid, at, {}});
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

class Judge {
 public:
  explicit Judge(const std::vector<Kill>& kills) {
    for (const Kill& kill : kills) killed_[kill.pid] = kill.at_us;
  }

  void acknowledged(const std::string& id, const std::vector<Run>* runs) {
    ++verdict_.ids;
    if (runs == nullptr || std::none_of(runs->begin(), runs->end(),
                                        [](const Run& run) { return run.end_us.has_value(); })) {
      ++verdict_.lost;
      complain(id + " was acknowledged and never ran to its end");
    }
  }

  void runs_of(const std::string& id, std::vector<Run>& runs) {
    std::sort(runs.begin(), runs.end(),
              [](const Run& a, const Run& b) { return a.begin_us < b.begin_us; });
    for (std::size_t i = 1; i < runs.size(); ++i) {
      ++verdict_.duplicates;
      const Run &earlier = runs[i - 1], &later = runs[i];
      const std::optional<std::int64_t> death = death_of(earlier);
      if (!death || *death > later.begin_us ||
          (earlier.end_us && *death - *earlier.end_us > kVerdictOnItsWay)) {
        ++verdict_.unexplained;
        complain(id + " ran in process " + std::to_string(earlier.pid) + " and again in process " +
                 std::to_string(later.pid) + ", though no kill came between");
        continue;
      }
      const double took = static_cast<double>(later.end_us.value_or(*death) - *death) / 1e6;
      verdict_.worst_recovery_s = std::max(verdict_.worst_recovery_s, took);
    }
  }

  Verdict result() { return std::move(verdict_); }

 private:
  std::optional<std::int64_t> death_of(const Run& run) const {
    const auto found = killed_.find(run.pid);
    if (found == killed_.end()) return std::nullopt;
    return found->second;
  }
  void complain(const std::string& text) {
    if (verdict_.complaints.size() < 10) verdict_.complaints.push_back(text);
  }

  std::unordered_map<pid_t, std::int64_t> killed_;
  Verdict verdict_;
};

}  // namespace

Verdict judge(const std::string& acks, const std::string& runs, const std::vector<Kill>& kills) {
  Judge judge(kills);
  RunsOf runs_of = read_runs(runs);
  std::ifstream in(acks);
  for (std::string id; in >> id;) {
    const auto found = runs_of.find(id);
    judge.acknowledged(id, found == runs_of.end() ? nullptr : &found->second);
  }
  for (auto& [id, of_id] : runs_of) judge.runs_of(id, of_id);
  return judge.result();
}

}  // namespace gander::faults
