// The list of checks, and the processes they run in.
#include <gander/conformance/kit.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <thread>

#include "harness.h"
#include "process.h"

namespace gander::conformance {

namespace {

constexpr const char* kChildWord = "--gander-conformance-check";

const std::vector<CheckDef>& definitions() {
  static const std::vector<CheckDef> all = [] {
    std::vector<CheckDef> list;
    for (const auto& group :
         {load_checks(), config_checks(), hygiene_checks(), enqueue_checks(), take_checks(),
          wait_checks(), settle_checks(), time_checks(), thread_checks(), fault_checks(),
          inspect_checks(), manage_checks(), random_checks()})
      list.insert(list.end(), group.begin(), group.end());
    std::ranges::sort(list, {}, [](const CheckDef& d) { return d.about.number; });
    return list;
  }();
  return all;
}

bool selected(const Check& check, const std::vector<std::string>& only) {
  return only.empty() || std::ranges::any_of(only, [&](const std::string& word) {
           return word == check.name || word == check.group || word == std::to_string(check.number);
         });
}

struct Need {
  std::string_view word;
  std::uint64_t cap;
  const char* extension;
};
constexpr Need kNeeds[] = {{"schedule", GANDER_CAP_SCHEDULE, nullptr},
                           {"priority", GANDER_CAP_PRIORITY, nullptr},
                           {"front", GANDER_CAP_FRONT, nullptr},
                           {"idempotent", GANDER_CAP_IDEMPOTENT, nullptr},
                           {"ordered", GANDER_CAP_ORDERED, nullptr},
                           {"wait", GANDER_CAP_WAIT, nullptr},
                           {"multi_process", GANDER_CAP_MULTI_PROCESS, nullptr},
                           {"durable", GANDER_CAP_DURABLE, nullptr},
                           {"server_clock", GANDER_CAP_SERVER_CLOCK, nullptr},
                           {"inspect", 0, GANDER_EXT_INSPECT},
                           {"manage", 0, GANDER_EXT_MANAGE},
                           {"health", 0, GANDER_EXT_HEALTH},
                           {"migrate", 0, GANDER_EXT_MIGRATE},
                           {"reclaim", 0, GANDER_EXT_RECLAIM}};

// "schedule inspect !server_clock": throws Skip for the first that is not so.
void require(Kit& kit, std::string_view needs) {
  while (!needs.empty()) {
    const auto end = std::min(needs.find(' '), needs.size());
    std::string_view word = needs.substr(0, end);
    needs.remove_prefix(std::min(end + 1, needs.size()));
    const bool unwanted = word.starts_with('!');
    word.remove_prefix(unwanted ? 1 : 0);
    const auto need = std::ranges::find(kNeeds, word, &Need::word);
    bool there = false;
    if (need->extension == nullptr) {
      there = kit.has_cap(need->cap);
    } else {
      Instance on(kit);
      there = on.extension<void>(need->extension) != nullptr;
    }
    if (there == unwanted)
      throw Skip(say(unwanted ? "not for a broker with " : "the broker does not declare ", word));
  }
}

struct Outcome {
  Verdict verdict;
  std::string text;
};

Outcome run_here(const CheckDef& check, const KitOptions& options, const std::string& tmp) {
  Patience::usual = options.patience;
  try {
    Kit kit(options, check.about, options.seed, tmp);
    require(kit, check.about.needs);
    check.run(kit);
    return {Verdict::passed, kit.warning()};
  } catch (const Skip& skip) {
    return {Verdict::skipped, skip.what()};
  } catch (const std::exception& fault) {
    return {Verdict::failed, fault.what()};
  } catch (...) {
    return {Verdict::failed, "an exception that is not a std::exception came out of the plugin"};
  }
}

std::vector<std::string> child_arguments(const CheckDef& check, const KitOptions& options,
                                         const std::string& tmp) {
  std::vector<std::string> list = {"/proc/self/exe",
                                   kChildWord,
                                   std::to_string(check.about.number),
                                   std::to_string(options.seed),
                                   std::to_string(options.patience.count()),
                                   tmp,
                                   options.file,
                                   options.url};
  for (const auto& [key, value] : options.options) {
    list.push_back(key);
    list.push_back(value);
  }
  return list;
}

// What the child wrote: one letter, then the text. Nothing means that it did not get there.
Outcome read_outcome(const Ended& ended, std::chrono::seconds limit) {
  if (ended.timed_out) return {Verdict::failed, say("hung: not done after ", limit.count(), " s")};
  if (!ended.output.empty() && WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 0) {
    const char letter = ended.output.front();
    return {letter == 'P'   ? Verdict::passed
            : letter == 'S' ? Verdict::skipped
                            : Verdict::failed,
            ended.output.substr(1)};
  }
  std::string text = WIFSIGNALED(ended.status)
                         ? say("crashed: ", strsignal(WTERMSIG(ended.status)))
                         : say("the process ended with code ", WEXITSTATUS(ended.status));
  if (!ended.errors.empty()) text += "; it wrote: " + ended.errors;
  return {Verdict::failed, text};
}

Result run_one(const CheckDef& check, const KitOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const ScratchFolder tmp;
  const Outcome outcome =
      options.in_process
          ? run_here(check, options, tmp.path())
          : read_outcome(run_process(child_arguments(check, options, tmp.path()), options.timeout),
                         options.timeout);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {&check.about, outcome.verdict, outcome.text, took.count()};
}

}  // namespace

std::span<const Check> checks() {
  static const std::vector<Check> all = [] {
    std::vector<Check> list;
    for (const CheckDef& d : definitions()) list.push_back(d.about);
    return list;
  }();
  return all;
}

std::vector<Result> run_checks(const KitOptions& given) {
  KitOptions options = given;
  while (options.seed == 0) options.seed = std::random_device{}();
  std::error_code problem;
  options.file = std::filesystem::absolute(given.file, problem).string();
  if (!std::filesystem::is_regular_file(options.file, problem))
    throw std::invalid_argument("there is no file " + options.file);
  std::vector<const CheckDef*> list;
  for (const CheckDef& d : definitions())
    if (selected(d.about, options.only)) list.push_back(&d);
  if (list.empty()) throw std::invalid_argument("no check has such a number, name or group");

  std::vector<Result> results(list.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < list.size(); i = next++)
      results[i] = run_one(*list[i], options);
  };
  std::vector<std::jthread> helpers;
  const unsigned jobs = options.in_process ? 1 : std::max(1U, options.jobs);
  for (unsigned i = 1; i < jobs; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  const auto about = [](const Result& r) { return r.check->number; };
  for (Result& r : results)
    r.check = &*std::ranges::find(checks(), r.check->number, &Check::number);
  std::ranges::sort(results, {}, about);
  return results;
}

std::optional<int> run_child(int argc, char** argv) {
  if (argc < 8 || std::string_view(argv[1]) != kChildWord) return std::nullopt;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int number = std::stoi(argv[2]);
  KitOptions options;
  options.seed = std::stoull(argv[3]);
  options.patience = std::chrono::seconds(std::stoi(argv[4]));
  options.file = argv[6];
  options.url = argv[7];
  for (int i = 8; i + 1 < argc; i += 2) options.options.emplace_back(argv[i], argv[i + 1]);
  for (const CheckDef& d : definitions()) {
    if (d.about.number != number) continue;
    const Outcome outcome = run_here(d, options, argv[5]);
    const std::string text = (outcome.verdict == Verdict::passed    ? "P"
                              : outcome.verdict == Verdict::skipped ? "S"
                                                                    : "F") +
                             outcome.text;
    return write_all(kResultFile, text) ? 0 : 1;
  }
  return 1;
}

}  // namespace gander::conformance
