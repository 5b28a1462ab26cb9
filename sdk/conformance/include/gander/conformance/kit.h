// gander/conformance/kit.h -- judges a broker plugin against the contract of gander/sdk/broker.h.
//
// Each check runs in a process of its own, with scratch space and queue names of its own, so a
// crash or a hang is a result like any other and no check sees what another left behind. The kit
// opens the file itself: it judges the plugin, not a loader. It depends on the SDK's headers only.
//
// A program that offers the kit calls run_child() first thing in main(), because a check runs in a
// new process of the same program:
//
//   int main(int argc, char** argv) {
//     if (const auto done = gander::conformance::run_child(argc, argv)) return *done;
//     return gander::conformance::run_kit({.file = argv[1]}, std::cout);
//   }
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gander::conformance {

struct Check {
  int number;                 // never given to another check
  std::string_view name;      // kebab-case, as unique as the number
  std::string_view group;     // "load", "config", "hygiene", "enqueue", "take", "settle", ...
  std::string_view gbc;       // what of the contract it covers: "GBC-201 GBC-202"
  std::string_view needs;     // capabilities and extensions, "schedule inspect"; else it is skipped
  std::string_view sentence;  // what holds when it passes
};

// All checks in the order of their numbers. Static data.
std::span<const Check> checks();

struct KitOptions {
  std::string file;  // of the plugin
  // Option `url`; "{tmp}" in it is replaced by a fresh folder for each check, removed afterwards.
  // Empty: the plugin's default.
  std::string url;
  // Others, "{tmp}" as above. In any of them "{word}" is letters and digits, another for each
  // check: for a database, schema or prefix of its own on a server.
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<std::string> only;     // numbers, names or groups; empty: all
  bool json = false;                 // run_kit: one JSON object in place of text
  bool in_process = false;           // in this process, one after another: for a debugger
  std::chrono::seconds timeout{45};  // of one check; past it the check has failed as hung
  // How long a state may take to come about: shorter only to find faults faster.
  std::chrono::seconds patience{10};
  unsigned jobs = 2;       // processes at the same time
  std::uint64_t seed = 0;  // of the random checks; 0: a new one, which is printed
};

enum class Verdict { passed, failed, skipped };

struct Result {
  const Check* check = nullptr;
  Verdict verdict = Verdict::failed;
  std::string text;  // why it failed or was skipped; of one that passed, a warning or nothing
  double seconds = 0;
};

// Runs the checks that `only` selects and returns a result for each, in the order of numbers.
// Throws std::invalid_argument when `only` names no check.
std::vector<Result> run_checks(const KitOptions&);

// run_checks() and a report of it. Returns the exit code: 0 when no check failed, 1 when one did,
// 2 when there was nothing to run (no such file, no such check).
int run_kit(const KitOptions&, std::ostream&);

// In a process that the kit started: runs its one check and returns the exit code to end with. Else
// nothing.
std::optional<int> run_child(int argc, char** argv);

}  // namespace gander::conformance
