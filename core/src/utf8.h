// Whether bytes are text.
#pragma once

#include <string_view>

namespace gander {

bool is_ascii(std::string_view text) noexcept;
bool is_utf8(std::string_view text) noexcept;

}  // namespace gander
