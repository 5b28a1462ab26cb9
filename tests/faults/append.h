// Lines that outlive the process that wrote them: one write in append mode each, so that a SIGKILL
// leaves a line whole or absent, and lines of several processes never mix.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

namespace gander::faults {

class AppendFile {
 public:
  explicit AppendFile(const std::string& path)
      : fd_(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), path);
  }
  ~AppendFile() { close(fd_); }
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void add(const std::string& text) {
    if (write(fd_, text.data(), text.size()) != std::ssize(text))
      throw std::system_error(errno, std::generic_category(), "append");
  }

 private:
  int fd_;
};

inline std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace gander::faults
