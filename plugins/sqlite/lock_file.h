// A file that is locked while somebody lives: the kernel drops the lock when its holder dies, by
// whatever death, and at once. No clock and no heartbeat is in it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace gander::sqlite {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// The mode of a file beside the database: who may write the one may write the other.
mode_t mode_beside(const std::string& database);

class LockFile {
 public:
  enum class Missing { create, leave };

  // Locks `path` for this object alone, also against others in this process. Empty when somebody
  // has it, or when it is missing and shall be left so; throws when it cannot be created.
  static std::optional<LockFile> try_lock(const std::string& path, const std::string& database,
                                          Missing missing);
  // Deletes the file; the lock lasts until this object goes.
  void unlink() const noexcept;

 private:
  LockFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  Descriptor file_;
};

}  // namespace gander::sqlite
