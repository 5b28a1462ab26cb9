// The job module that `gander worker` is tested with.
#include <gander/module.h>
#include <unistd.h>

#include <fstream>

namespace {

void note(std::string file, std::string line) { std::ofstream(file, std::ios::app) << line + "\n"; }

void doomed() { throw gander::Discard("no route to the moon"); }

// Never comes back, whatever it is told.
void deaf(std::string file) {
  note(file, "begun");
  for (;;) pause();
}

constexpr gander::Job<"test.note", note> kNote;
constexpr gander::Job<"test.doomed", doomed> kDoomed;
constexpr gander::Job<"test.deaf", deaf> kDeaf;

}  // namespace

GANDER_JOBS("dev.gander.test_jobs", kNote, kDoomed, kDeaf)
