// Each mutant fails the checks that mutants.txt names for it, and passes every other: so a check
// can fail, and fails for its own reason only.
#include <gander/conformance/kit.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <ostream>
#include <set>
#include <sstream>

namespace {

namespace kit = gander::conformance;

struct Row {
  std::string mutant;
  std::set<std::string> caught_by;
  std::set<std::string> perhaps_by;  // those that race with the defect, and may win
};
// What ctest shows beside the case's name.
void PrintTo(const Row& row, std::ostream* out) { *out << row.mutant; }

// "name: check check ?check ..."; a line that begins with # says why.
std::vector<Row> table() {
  std::vector<Row> rows;
  std::ifstream file(MUTANTS_TABLE);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    Row row;
    words >> row.mutant;
    row.mutant.pop_back();
    for (std::string word; words >> word;) {
      if (word.front() == '?')
        row.perhaps_by.insert(word.substr(1));
      else
        row.caught_by.insert(word);
    }
    rows.push_back(row);
  }
  return rows;
}

class Mutant : public testing::TestWithParam<Row> {};

TEST_P(Mutant, FailsItsChecksAndNoOther) {
  const Row& row = GetParam();
  const std::string file = std::string(MUTANTS_FOLDER) + "/gander_mutant_" + row.mutant + ".so";
  std::set<std::string> failed;
  kit::KitOptions options;
  options.file = file;
  options.seed = 20261124;
  options.patience = std::chrono::seconds(2);
  for (const kit::Result& r : kit::run_checks(options)) {
    if (r.verdict != kit::Verdict::failed) continue;
    failed.insert(std::string(r.check->name));
    std::cout << r.check->name << ": " << r.text << '\n';
  }
  for (const std::string& check : row.perhaps_by) failed.erase(check);
  EXPECT_EQ(failed, row.caught_by);
}

INSTANTIATE_TEST_SUITE_P(All, Mutant, testing::ValuesIn(table()), [](const auto& row) {
  std::string name = row.param.mutant;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Mutants, EachThatIsBuiltHasARow) {
  std::set<std::string> built, listed;
  for (const auto& entry : std::filesystem::directory_iterator(MUTANTS_FOLDER))
    built.insert(entry.path().stem().string().substr(std::string("gander_mutant_").size()));
  for (const Row& row : table()) listed.insert(row.mutant);
  EXPECT_EQ(built, listed);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto done = kit::run_child(argc, argv)) return *done;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
