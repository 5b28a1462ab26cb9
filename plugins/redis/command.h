// What is sent and what comes back.
#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gander::redis {

// The words of one command. A view is borrowed until the command was sent; a number, or a word
// given as a std::string&&, is kept here.
class Command {
 public:
  Command() = default;
  Command(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) add(word);
  }
  Command& add(std::string_view word) {
    words_.push_back(word.empty() ? "" : word.data());
    lengths_.push_back(word.size());
    return *this;
  }
  Command& keep(std::string&& word) { return add(kept_.emplace_back(std::move(word))); }
  Command& add(std::int64_t number) { return keep(std::to_string(number)); }
  // Replaces a word that was kept or added before.
  void set(std::size_t index, std::string&& word);

  [[nodiscard]] std::size_t size() const { return words_.size(); }
  [[nodiscard]] const char** words() const { return words_.data(); }
  [[nodiscard]] const std::size_t* lengths() const { return lengths_.data(); }

 private:
  mutable std::vector<const char*> words_;
  std::vector<std::size_t> lengths_;
  std::deque<std::string> kept_;  // whose elements stay where they are
};

// One reply, or a part of one. A part is valid as long as the reply it is of.
class ReplyView {
 public:
  explicit ReplyView(const redisReply* reply) : reply_(reply) {}

  [[nodiscard]] bool is_error() const { return reply_->type == REDIS_REPLY_ERROR; }
  [[nodiscard]] bool is_null() const { return reply_->type == REDIS_REPLY_NIL; }
  // Of a text, status or error; empty for all else.
  [[nodiscard]] std::string_view text() const {
    const bool has = reply_->type == REDIS_REPLY_STRING || reply_->type == REDIS_REPLY_STATUS ||
                     reply_->type == REDIS_REPLY_ERROR;
    return has ? std::string_view(reply_->str, static_cast<std::size_t>(reply_->len))
               : std::string_view{};
  }
  // Of an integer, or of a text that is a number; else 0.
  [[nodiscard]] std::int64_t integer() const;
  [[nodiscard]] std::size_t size() const {
    return reply_->type == REDIS_REPLY_ARRAY ? reply_->elements : 0;
  }
  [[nodiscard]] ReplyView operator[](std::size_t i) const { return ReplyView(reply_->element[i]); }

 private:
  const redisReply* reply_;
};

class Reply {
 public:
  Reply() = default;
  explicit Reply(void* raw) : raw_(static_cast<redisReply*>(raw)) {}
  [[nodiscard]] ReplyView view() const { return ReplyView(raw_.get()); }
  [[nodiscard]] ReplyView operator[](std::size_t i) const { return view()[i]; }
  [[nodiscard]] std::size_t size() const { return view().size(); }

 private:
  struct Free {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  std::unique_ptr<redisReply, Free> raw_;
};

}  // namespace gander::redis
