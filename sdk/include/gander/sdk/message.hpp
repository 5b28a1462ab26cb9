// gander/sdk/message.hpp -- what a plugin keeps: messages that own their bytes, and maps by id and
// by name. C++20, header-only. Nothing here is safe between threads; whoever keeps it locks.
#pragma once

#include <gander/sdk/broker.h>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <gander/sdk/plugin.hpp>

namespace gander::sdk {

// A gander_message whose queue, body and note point into one block of its own, so it outlives the
// call that brought it. Its other fields are free to change; those three change by assign().
//
// Wherever a gander_message is asked for it can be given, and is then borrowed: a gander_message
// copied from it must not outlive it, nor its next assign().
class OwnedMessage : public gander_message {
 public:
  OwnedMessage() noexcept : gander_message{} {}
  explicit OwnedMessage(const gander_message& from) : OwnedMessage() { assign(from); }
  // The bytes stay where they are; what was moved from is as if it were new.
  OwnedMessage(OwnedMessage&& other) noexcept : OwnedMessage() { swap(other); }
  OwnedMessage& operator=(OwnedMessage&& other) noexcept {
    OwnedMessage(std::move(other)).swap(*this);
    return *this;
  }

  // Copies every field and all bytes of `from`, which may be this message itself or point into it.
  // Throws std::bad_alloc, and has changed nothing then.
  void assign(const gander_message& from) {
    auto text =
        std::make_unique_for_overwrite<char[]>(from.queue.len + from.body.len + from.note.len);
    static_cast<gander_message&>(*this) = from;
    char* end = text.get();
    const auto keep = [&end](std::string_view bytes) {
      if (!bytes.empty()) std::memcpy(end, bytes.data(), bytes.size());
      return std::exchange(end, end + bytes.size());
    };
    queue.ptr = keep(view(queue));
    body.ptr = keep(view(body));
    note.ptr = keep(view(note));
    text_ = std::move(text);
  }

 private:
  void swap(OwnedMessage& other) noexcept {
    std::swap<gander_message>(*this, other);
    text_.swap(other.text_);
  }

  std::unique_ptr<char[]> text_;
};

// The 16 bytes of an id, for as long as that stands where it is.
inline std::string_view view(const gander_id& id) noexcept {
  return {reinterpret_cast<const char*>(id.bytes), sizeof(id.bytes)};
}

// An id as the key of a hash map. Ids are random enough in their last bytes to need no more mixing.
struct IdHash {
  std::size_t operator()(const gander_id& id) const noexcept {
    std::uint64_t half[2];
    std::memcpy(half, id.bytes, sizeof(half));
    return half[0] ^ (half[1] * 0x9E3779B97F4A7C15ULL);
  }
};
struct IdEqual {
  bool operator()(const gander_id& a, const gander_id& b) const noexcept {
    return std::memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
  }
};
template <class Value>
using IdMap = std::unordered_map<gander_id, Value, IdHash, IdEqual>;

// A std::map by name. [] finds a name that is there without a copy of it, so that it cannot fail.
template <class Value>
struct NameMap : std::map<std::string, Value, std::less<>> {
  Value& operator[](std::string_view name) {
    const auto it = this->find(name);
    return it != this->end() ? it->second : this->try_emplace(std::string(name)).first->second;
  }
};

}  // namespace gander::sdk
