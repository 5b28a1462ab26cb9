// Numbers, as the ranges [from, to) that hold them; no two touch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

namespace gander::kafka {

class Ranges {
 public:
  void add(std::int64_t from, std::int64_t to) {
    if (from >= to) return;
    auto next = ranges_.upper_bound(from);
    auto into = next == ranges_.begin() ? ranges_.end() : std::prev(next);
    if (into == ranges_.end() || into->second < from) {
      into = ranges_.emplace_hint(next, from, from);
    }
    for (; next != ranges_.end() && next->first <= to; next = ranges_.erase(next)) {
      to = std::max(to, next->second);
      total_ -= next->second - next->first;
    }
    if (to <= into->second) return;
    total_ += to - into->second;
    into->second = to;
  }

  [[nodiscard]] bool contains(std::int64_t n) const {
    const auto next = ranges_.upper_bound(n);
    return next != ranges_.begin() && n < std::prev(next)->second;
  }
  // How many numbers, of all and of those from `from` on.
  [[nodiscard]] std::int64_t total() const { return total_; }
  [[nodiscard]] std::int64_t total_from(std::int64_t from) const {
    std::int64_t sum = 0;
    for (auto it = ranges_.rbegin(); it != ranges_.rend() && it->second > from; ++it)
      sum += it->second - std::max(from, it->first);
    return sum;
  }
  // How many ranges, of all and of those that hold numbers from `from` on.
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }
  [[nodiscard]] std::size_t size_from(std::int64_t from) const {
    const auto beyond = [from](const auto& range) { return range.second > from; };
    return static_cast<std::size_t>(std::distance(
        ranges_.rbegin(), std::find_if_not(ranges_.rbegin(), ranges_.rend(), beyond)));
  }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] auto begin() const { return ranges_.begin(); }
  [[nodiscard]] auto end() const { return ranges_.end(); }
  void pop_front() {
    total_ -= begin()->second - begin()->first;
    ranges_.erase(ranges_.begin());
  }

  // Of the range that begins at `at`, where it ends, and of the one that ends there, where it
  // begins; `at` where there is none.
  [[nodiscard]] std::int64_t end_of(std::int64_t at) const {
    const auto it = ranges_.find(at);
    return it == ranges_.end() ? at : it->second;
  }
  [[nodiscard]] std::int64_t begin_of(std::int64_t at) const {
    const auto next = ranges_.lower_bound(at);
    if (next == ranges_.begin()) return at;
    const auto before = std::prev(next);
    return before->second == at ? before->first : at;
  }

  // What of [from, to) is in none, as gap(from, to), in order.
  template <class Gap>
  void each_gap(std::int64_t from, std::int64_t to, Gap&& gap) const {
    auto it = ranges_.upper_bound(from);
    if (it != ranges_.begin()) from = std::max(from, std::prev(it)->second);
    for (; from < to; ++it) {
      const std::int64_t until = it == ranges_.end() ? to : std::min(to, it->first);
      if (from < until) gap(from, until);
      if (it == ranges_.end()) return;
      from = it->second;
    }
  }

 private:
  std::map<std::int64_t, std::int64_t> ranges_;
  std::int64_t total_ = 0;
};

}  // namespace gander::kafka
