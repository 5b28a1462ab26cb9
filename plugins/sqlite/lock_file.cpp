#include "lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <gander/sdk/plugin.hpp>

namespace gander::sqlite {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

mode_t mode_beside(const std::string& database) {
  struct stat about {};
  return stat(database.c_str(), &about) == 0 ? about.st_mode & 0666U : 0644U;
}

std::optional<LockFile> LockFile::try_lock(const std::string& path, const std::string& database,
                                           Missing missing) {
  for (;;) {
    const int create = missing == Missing::create ? O_CREAT : 0;
    Descriptor file(
        open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | create, mode_beside(database)));
    if (!file) {
      if (missing == Missing::leave && errno == ENOENT) return std::nullopt;
      const int problem = errno;
      const bool full = problem == ENOSPC || problem == EDQUOT;
      throw sdk::Error(
          full ? GANDER_FULL : GANDER_FORBIDDEN,
          path + ": " + std::strerror(problem) +
              "; a worker must be able to make and read its lock file, beside the database");
    }
    // Whoever may use the database must be able to look at this lock, whatever the umask is here.
    if (missing == Missing::create) static_cast<void>(fchmod(file.get(), mode_beside(database)));
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
    // Between open and lock a reaper may have deleted the file: then this lock is on a ghost that
    // nobody else would see.
    struct stat by_name {
    }, by_descriptor{};
    if (fstat(file.get(), &by_descriptor) == 0 && stat(path.c_str(), &by_name) == 0 &&
        by_name.st_ino == by_descriptor.st_ino && by_name.st_dev == by_descriptor.st_dev)
      return LockFile(path, std::move(file));
    if (missing == Missing::leave) return std::nullopt;
  }
}

void LockFile::unlink() const noexcept { ::unlink(path_.c_str()); }

}  // namespace gander::sqlite
