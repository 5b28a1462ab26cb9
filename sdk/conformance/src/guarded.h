// Memory of a request that can be taken away in the moment the call returns: who still reads it
// then crashes.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <new>

#include "harness.h"

namespace gander::conformance {

class Guarded {
 public:
  Guarded() {
    void* at = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<char*>(at);
  }
  // Never unmapped: the next mapping would take its place and hide who still reads it.
  ~Guarded() = default;
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // Text without a NUL behind it: junk follows.
  gander_str text(std::string_view s) {
    char* to = space(s.size() + 1, 1);
    std::memcpy(to, s.data(), s.size());
    to[s.size()] = '#';
    return {to, s.size()};
  }
  gander_message message(const Msg& from) {
    gander_message m = from.m;
    m.queue = text(from.queue);
    const gander_str body = text(from.body);
    m.body = {body.ptr, body.len};
    m.note = text(from.note);
    return m;
  }
  // An array whose items lie `stride` apart, with junk between them.
  template <class T>
  T* array(const std::vector<T>& items, std::size_t stride = sizeof(T)) {
    char* to = space(items.size() * stride + 1, alignof(T));
    std::memset(to, 0xA5, items.size() * stride);
    for (std::size_t i = 0; i < items.size(); ++i)
      std::memcpy(to + i * stride, &items[i], sizeof(T));
    return static_cast<T*>(static_cast<void*>(to));
  }
  template <class T>
  T* one(const T& item) {
    return array<T>({item});
  }
  void take_away() { mprotect(base_, kSize, PROT_NONE); }

 private:
  static constexpr std::size_t kSize = 1 << 20;
  char* space(std::size_t n, std::size_t align) {
    used_ = (used_ + align - 1) / align * align;
    if (used_ + n > kSize) throw std::bad_alloc();
    char* at = base_ + used_;
    used_ += n;
    return at;
  }
  char* base_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace gander::conformance
