// What the topics of one prefix are called:
//
//   <prefix>.q.<queue>.<priority>   ready
//   <prefix>.sched                  those to come, under their ids
//   <prefix>.dead                   dead letters, under their ids
//   <prefix>.state                  paused queues, under their names, and what removal.h says; one
//                                   partition, read by all
//
// A topic's name holds few characters, and "." and "_" count as one in metrics: so of a queue's
// name A-Z a-z 0-9 . stay, any other byte becomes -XX, and a name that is then too long becomes -h
// and a hash. The queue's name stands in each message then, so that an operator can still be told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gander::kafka {

inline constexpr std::uint32_t kPriorities = 3;

class Names {
 public:
  explicit Names(std::string prefix) : prefix_(std::move(prefix)) {}

  [[nodiscard]] std::string ready(std::string_view queue, std::uint32_t priority) const;
  [[nodiscard]] std::string scheduled() const { return prefix_ + ".sched"; }
  [[nodiscard]] std::string dead() const { return prefix_ + ".dead"; }
  [[nodiscard]] std::string state() const { return prefix_ + ".state"; }
  [[nodiscard]] const std::string& group() const { return prefix_; }
  // Whether the name of a queue is a hash in its topics.
  [[nodiscard]] bool is_hashed(std::string_view queue) const;
  // What a record of a queue's topics says of the queue: nothing, but for one with a hash.
  [[nodiscard]] std::string_view queue_in_record(std::string_view queue) const {
    return is_hashed(queue) ? queue : std::string_view{};
  }

  struct Ready {
    std::string queue;  // empty: hashed
    std::uint32_t priority = 0;
  };
  // Of a topic's name; nothing when it is none of ours.
  [[nodiscard]] std::optional<Ready> queue_of(std::string_view topic) const;

 private:
  std::string prefix_;
};

// FNV-1a of 64 bits, the same in every build; goes on from `hash`.
inline constexpr std::uint64_t kFnvBegin = 14695981039346656037ULL;
std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = kFnvBegin);

}  // namespace gander::kafka
