// The known name that someone meant who wrote a wrong one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gander {

// The nearest of `known` by edit distance (an exchange of neighbours is one edit), or empty when
// none is near enough to be meant: more than a third of the letters differ.
std::string nearest(std::string_view wrong, std::span<const std::string> known);

// "; did you mean 'threads'?", or "; known are: a, b" when none is near.
std::string nearest_hint(std::string_view wrong, std::span<const std::string> known);

}  // namespace gander
