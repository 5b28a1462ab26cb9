// The files of `gander plugin new`, taken from tools/gander/templates and sdk/example when gander
// is built, so that the scaffold cannot fall behind what the tests build.
#pragma once

#include <span>
#include <string_view>

namespace gander::cli {

struct Template {
  std::string_view name;  // "CMakeLists.txt", "README.md", "broker.cpp", "schema.json", ...
  std::string_view text;
};

std::span<const Template> templates();

}  // namespace gander::cli
