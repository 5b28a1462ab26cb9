// The SQLite plugin as the file it ships as, over a database of the test's own.
#pragma once

#include <filesystem>

#include "../support/broker_driver.h"

namespace gander::test {

class FileBroker : public Broker {
 public:
  FileBroker(FakeHost& host, const std::string& path,
             std::map<std::string, std::string> options = {})
      : Broker(host, with_url(path, std::move(options))) {}

 private:
  static std::map<std::string, std::string> with_url(const std::string& path,
                                                     std::map<std::string, std::string> options) {
    options.emplace("url", "sqlite:" + path);
    return options;
  }
};

// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    std::string made = (std::filesystem::temp_directory_path() / "gander_sqlite_XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = made;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace gander::test
