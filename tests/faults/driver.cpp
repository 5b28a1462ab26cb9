// fault_driver sqlite|URL FAULTS BIN [OPTION...] -- a producer and three workers under load, and a
// fault chosen at random every second or so; then everything is counted by id. BIN is where gander
// and the other programs were built. Exits 0 when nothing was lost, no duplicate is without its
// fault and the broker is empty.
#include <cstdio>
#include <cstdlib>

#include "injector.h"
#include "ledger.h"
#include "load.h"
#include "options.h"
#include "scratch.h"

using namespace gander::faults;

namespace {

void print_json(const Options& options, const Verdict& v, const std::map<Fault, int>& counts) {
  std::printf(
      "{\"faults\":%d,\"ids\":%zu,\"lost\":%zu,\"duplicates\":%zu,\"stored_twice\":%zu,"
      "\"unexplained\":%zu,"
      "\"worst_recovery_s\":%.3f,\"worst_resume_s\":%.3f,\"oldest_undone_s\":%.3f,\"kinds\":{",
      options.faults, v.ids, v.lost, v.duplicates, v.stored_twice, v.unexplained,
      v.worst_recovery_s, v.worst_resume_s, v.oldest_undone_s);
  const char* comma = "";
  for (const auto& [fault, count] : counts) {
    std::printf("%s\"%s\":%d", comma, name_of(fault), count);
    comma = ",";
  }
  std::printf("}}\n");
}

void print_table(const Options& options, const Verdict& v, const std::map<Fault, int>& counts) {
  std::printf("%-18s%d\n", "faults", options.faults);
  for (const auto& [fault, count] : counts) std::printf("  %-16s%d\n", name_of(fault), count);
  std::printf("%-18s%zu\n%-18s%zu\n%-18s%zu\n%-18s%zu\n%-18s%zu\n%-18s%.3f s\n", "ids", v.ids,
              "lost", v.lost, "duplicates", v.duplicates, "  stored twice", v.stored_twice,
              "unexplained", v.unexplained, "worst recovery", v.worst_recovery_s);
  if (!options.server.empty()) std::printf("%-18s%.3f s\n", "worst resume", v.worst_resume_s);
  std::printf("%-18s%.3f s\n", "oldest undone", v.oldest_undone_s);
}

}  // namespace

int main(int argc, char** argv) try {
  Options options = read_options(argc, argv);
  Scratch scratch;
  // A fault every two seconds meets some job four times, which is no fault of that job's.
  setenv("GANDER_RETRY_MAX_CRASHES", "100", 1);
  if (options.broker == "sqlite") options.broker = "sqlite:" + scratch.file("faults.db");
  Load load(options, scratch);
  Injector injector(options, load, scratch);
  load.wait_for_first_run();
  injector.run(options.faults);
  load.drain();
  const Verdict verdict = judge(load.logs(), injector.disturbances());
  (options.json ? print_json : print_table)(options, verdict, injector.counts());
  for (const std::string& line : verdict.complaints) std::fprintf(stderr, "%s\n", line.c_str());
  if (load.left() != 0)
    std::fprintf(stderr, "%lld messages were left in the broker\n",
                 static_cast<long long>(load.left()));
  if (!load.clean())
    std::fprintf(stderr, "the server is not clean: see %s\n", scratch.file("leftovers").c_str());
  const bool right =
      verdict.lost == 0 && verdict.unexplained == 0 && load.left() == 0 && load.clean();
  scratch.keep = !right || options.keep;
  return right ? 0 : 1;
} catch (const std::invalid_argument& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "fault_driver: %s\n", e.what());
  return 1;
}
