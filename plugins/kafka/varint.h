// Numbers in as few bytes as they take: seven bits in each, the low ones first, the eighth set in
// all but the last (LEB128). And texts: their length, and their bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gander::kafka {

inline void put_number(std::string& out, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7U) out += static_cast<char>(n | 0x80U);
  out += static_cast<char>(n);
}

inline void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

// Reads what these wrote; `ok` turns false at what they did not, and stays so.
struct Reader {
  std::string_view rest;
  bool ok = true;

  std::uint64_t number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; ok; shift += 7) {
      const auto byte = static_cast<unsigned char>(take());
      if (shift > 56) ok = false;
      n |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) break;
    }
    return ok ? n : 0;
  }
  std::string_view text() {
    const std::uint64_t size = number();
    if (size > rest.size()) ok = false;
    if (!ok) return {};
    const std::string_view found = rest.substr(0, size);
    rest.remove_prefix(size);
    return found;
  }
  char take() {
    if (rest.empty()) {
      ok = false;
      return 0;
    }
    const char c = rest.front();
    rest.remove_prefix(1);
    return c;
  }
};

}  // namespace gander::kafka
