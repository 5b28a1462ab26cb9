#include "command.h"

#include <charconv>

namespace gander::redis {

void Command::set(std::size_t index, std::string&& word) {
  const std::string& kept = kept_.emplace_back(std::move(word));
  words_[index] = kept.data();
  lengths_[index] = kept.size();
}

std::int64_t ReplyView::integer() const {
  if (reply_->type == REDIS_REPLY_INTEGER) return reply_->integer;
  std::int64_t value = 0;
  const std::string_view digits = text();
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace gander::redis
