// Between the ABI's counted strings and C++ views.
#pragma once

#include <gander/sdk/types.h>

#include <string_view>

namespace gander {

inline std::string_view view(gander_str s) {
  return s.len == 0 ? std::string_view{} : std::string_view{s.ptr, s.len};
}
inline std::string_view view(gander_bytes b) {
  return b.len == 0 ? std::string_view{} : std::string_view{static_cast<const char*>(b.ptr), b.len};
}
inline gander_str str(std::string_view s) { return {s.data(), s.size()}; }
inline gander_bytes bytes(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace gander
