// UTF-8, as the contract asks for it.
#pragma once

#include <string_view>

namespace gander::conformance {

inline bool valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t n = lead < 0x80                    ? 1
                          : lead >= 0xC2 && lead < 0xE0  ? 2
                          : (lead & 0xF0U) == 0xE0U      ? 3
                          : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                         : 0;
    if (n == 0 || i + n > text.size()) return false;
    for (std::size_t k = 1; k < n; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return false;
    i += n;
  }
  return true;
}

}  // namespace gander::conformance
