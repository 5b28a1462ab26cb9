// A folder for one run, removed when it went well and kept to look at when not.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace gander::faults {

class Scratch {
 public:
  Scratch() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "gander-faults-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), pattern);
    folder_ = pattern;
  }
  ~Scratch() {
    if (keep) {
      std::fprintf(stderr, "kept: %s\n", folder_.c_str());
      return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string file(const char* name) const { return (folder_ / name).string(); }
  bool keep = true;

 private:
  std::filesystem::path folder_;
};

}  // namespace gander::faults
