#include "utf8.h"

#include <cstdint>
#include <cstring>

#include "rapidjson.h"

namespace gander {

// Most text is ASCII, and that is quickly seen; RapidJSON's own check goes byte by byte through a
// table.
bool is_ascii(std::string_view s) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= s.size(); i += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, s.data() + i, 8);
    if ((eight & 0x8080808080808080ULL) != 0) return false;
  }
  for (; i < s.size(); ++i)
    if ((static_cast<unsigned char>(s[i]) & 0x80U) != 0) return false;
  return true;
}

bool is_utf8(std::string_view s) noexcept {
  if (is_ascii(s)) return true;
  rapidjson::MemoryStream in(s.data(), s.size());
  rapidjson::StringBuffer out;
  while (in.Tell() < s.size())
    if (!rapidjson::UTF8<>::Validate(in, out)) return false;
  return true;
}

}  // namespace gander
