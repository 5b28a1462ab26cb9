#include "queues.h"

namespace gander::sqlite {

Queues::Queues(Connection& connection)
    : by_name_(connection, "SELECT no FROM queue WHERE name=?1"),
      by_no_(connection, "SELECT name FROM queue WHERE no=?1"),
      add_(connection, "INSERT INTO queue(name) VALUES(?1)"),
      paused_(connection, "SELECT paused FROM queue WHERE no=?1") {}

std::int64_t Queues::find(std::string_view name) {
  if (last_no_ != 0 && name == last_name_) return last_no_;
  const auto known = numbers_.find(std::string(name));
  std::int64_t no = known != numbers_.end() ? known->second : 0;
  if (no == 0) {
    Rows rows = by_name_.query(name);
    if (!rows.next()) return 0;
    no = rows.integer(0);
    remember(no, name);
  }
  last_name_ = name;
  last_no_ = no;
  return no;
}

std::int64_t Queues::find_or_add(std::string_view name) {
  const std::int64_t no = find(name);
  if (no != 0) return no;
  add_.run(name);
  return find(name);
}

void Queues::forget() {
  numbers_.clear();
  names_.clear();
  last_no_ = 0;
}

std::string_view Queues::name(std::int64_t no) {
  const auto known = names_.find(no);
  if (known != names_.end()) return known->second;
  Rows rows = by_no_.query(no);
  if (!rows.next()) return {};
  remember(no, rows.text(0));
  return names_.at(no);
}

bool Queues::paused(std::int64_t no) {
  Rows rows = paused_.query(no);
  return rows.next() && rows.integer(0) != 0;
}

void Queues::remember(std::int64_t no, std::string_view name) {
  numbers_[std::string(name)] = no;
  names_[no] = name;
}

Counter::Counter(Connection& connection)
    : load_(connection, "SELECT next_seq, front FROM counter WHERE one=1"),
      save_(connection, "UPDATE counter SET next_seq=?1, front=?2 WHERE one=1") {}

void Counter::load() {
  Rows rows = load_.query();
  if (!rows.next())
    throw sdk::Error(GANDER_CORRUPT, "the table 'counter' has lost its row; restore a backup");
  next_seq_ = saved_next_ = rows.integer(0);
  front_ = saved_front_ = rows.integer(1);
}

void Counter::save() {
  if (next_seq_ == saved_next_ && front_ == saved_front_) return;
  save_.run(next_seq_, front_);
}

}  // namespace gander::sqlite
