#include "proxy_flow.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace gander::test {

Flow::Read Flow::read(std::chrono::milliseconds delay, bool swallow) {
  std::array<char, 65536> block;
  const ssize_t n = recv(from_, block.data(), block.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Read::nothing;
  if (swallow) {
    lossy_ = true;
    ended_ = n <= 0;
    return ended_ ? Read::end : Read::some;
  }
  if (n < 0) return Read::broken;
  if (n == 0) {
    ended_ = true;
    return Read::end;
  }
  // A shorter delay than before must not let later bytes overtake earlier ones.
  auto due = Clock::now() + delay;
  if (!chunks_.empty()) due = std::max(due, chunks_.back().due);
  chunks_.push_back({due, std::string(block.data(), static_cast<std::size_t>(n))});
  held_ += static_cast<std::size_t>(n);
  return Read::some;
}

void Flow::forget() {
  lossy_ = lossy_ || !chunks_.empty();
  chunks_.clear();
  held_ = 0;
}

bool Flow::write(Clock::time_point now) {
  while (!chunks_.empty() && chunks_.front().due <= now) {
    std::string& bytes = chunks_.front().bytes;
    const ssize_t n = send(to_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    held_ -= static_cast<std::size_t>(n);
    bytes.erase(0, static_cast<std::size_t>(n));
    if (!bytes.empty()) return true;
    chunks_.pop_front();
  }
  if (ended_ && !lossy_ && !over_ && chunks_.empty()) {
    shutdown(to_, SHUT_WR);
    over_ = true;
  }
  return true;
}

bool Flow::wants_write(Clock::time_point now) const {
  return !chunks_.empty() && chunks_.front().due <= now;
}

Clock::time_point Flow::next_due() const {
  return chunks_.empty() ? Clock::time_point::max() : chunks_.front().due;
}

}  // namespace gander::test
