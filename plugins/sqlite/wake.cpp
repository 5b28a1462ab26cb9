#include "wake.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "lock_file.h"

namespace gander::sqlite {
namespace {

constexpr std::size_t kBytes = 4096;

long futex(void* word, int op, std::uint32_t value, const timespec* limit) {
  // Without FUTEX_PRIVATE_FLAG: the word is found by its place in the file, not by its address.
  return syscall(SYS_futex, word, op, value, limit, nullptr, 0);
}

}  // namespace

Wake::~Wake() {
  if (mapped()) munmap(shared_.load(), kBytes);
}

bool Wake::map(const std::string& database) {
  if (mapped()) return true;
  const std::string path = database + "-wake";
  const Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, mode_beside(database)));
  // The space is really allocated, since a store into a hole of a full disk is a SIGBUS; and not
  // written, since the word may be in use.
  if (file) fchmod(file.get(), mode_beside(database));  // not left to the umask; ours or not
  const int problem = file ? posix_fallocate(file.get(), 0, kBytes) : errno;
  void* page = problem == 0
                   ? mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0)
                   : MAP_FAILED;
  if (page == MAP_FAILED) {
    reason_ = path + ": " + std::strerror(problem != 0 ? problem : errno);
    return false;
  }
  shared_.store(static_cast<Word*>(page));
  return true;
}

void Wake::ring() noexcept {
  used().fetch_add(1);
  stir();
}

void Wake::stir() noexcept { futex(&used(), FUTEX_WAKE, INT_MAX, nullptr); }

std::uint32_t Wake::word() const noexcept { return used().load(); }

void Wake::sleep(std::uint32_t seen, std::chrono::nanoseconds limit) noexcept {
  if (limit.count() <= 0) return;
  const timespec rest{static_cast<time_t>(limit.count() / 1'000'000'000),
                      static_cast<long>(limit.count() % 1'000'000'000)};
  futex(&used(), FUTEX_WAIT, seen, &rest);
}

}  // namespace gander::sqlite
