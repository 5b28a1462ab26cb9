// Base64 (RFC 4648), as commit metadata is text: a NUL in it is the end for librdkafka
// before 2.6.1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gander::kafka {

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace gander::kafka
