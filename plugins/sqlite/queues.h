// Queue names and their numbers, and the two counters that give messages their place. Both belong
// to one connection and are used inside its transactions.
#pragma once

#include <string>
#include <unordered_map>

#include "connection.h"

namespace gander::sqlite {

class Queues {
 public:
  explicit Queues(Connection& connection);

  // The number of a queue, 0 when there is none of that name.
  std::int64_t find(std::string_view name);
  // The same, but a new name is given a number: inside a write transaction. After a rollback
  // forget() what was given in it.
  std::int64_t find_or_add(std::string_view name);
  void forget();
  // Valid until forget().
  std::string_view name(std::int64_t no);
  bool paused(std::int64_t no);

 private:
  void remember(std::int64_t no, std::string_view name);

  Statement by_name_, by_no_, add_, paused_;
  // A number is never given to another name, so what was read once stays true.
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::unordered_map<std::int64_t, std::string> names_;
  std::string last_name_;
  std::int64_t last_no_ = 0;
};

class Counter {
 public:
  explicit Counter(Connection& connection);

  void load();  // at the beginning of each write transaction
  void save();  // before its commit; writes only what moved

  std::int64_t next() { return next_seq_++; }
  // What next() will say.
  [[nodiscard]] std::int64_t peek() const { return next_seq_; }
  // The first of `n` places at the front, in ascending order.
  std::int64_t front(std::int64_t n) { return front_ -= n; }

 private:
  Statement load_, save_;
  std::int64_t next_seq_ = 0, front_ = 0, saved_next_ = 0, saved_front_ = 0;
};

}  // namespace gander::sqlite
