// Rings those who wait for messages, in this process and in others.
//
// `<database>-wake` holds one page that every process maps, and in it a word that grows with each
// commit that stored something. A waiter sleeps in the kernel on that word (futex), so that a
// waiting worker costs nothing and is woken within microseconds. When the file cannot be had,
// ring() does nothing and waiters look at the database now and then. [any]
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace gander::sqlite {

class Wake {
 public:
  Wake() = default;
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  ~Wake();

  // Maps the file beside the database; once. False when it cannot be had: reason() says why.
  bool map(const std::string& database);
  [[nodiscard]] bool mapped() const { return shared_.load() != nullptr; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

  void ring() noexcept;
  // Wakes those who sleep without moving the word.
  void stir() noexcept;
  // The word as it is; whoever remembers it can tell later that somebody rang.
  [[nodiscard]] std::uint32_t word() const noexcept;
  // Returns when the word is not `seen`, somebody rang, or `limit` has passed; may return early.
  void sleep(std::uint32_t seen, std::chrono::nanoseconds limit) noexcept;

 private:
  using Word = std::atomic<std::uint32_t>;
  static_assert(sizeof(Word) == 4 && Word::is_always_lock_free);

  Word& used() const noexcept {
    Word* shared = shared_.load();
    return shared != nullptr ? *shared : own_;
  }

  std::atomic<Word*> shared_{nullptr};
  mutable Word own_{0};  // wakes this instance alone when the file cannot be had
  std::string reason_;
};

}  // namespace gander::sqlite
