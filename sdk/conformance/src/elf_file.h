// What the file says about itself before any of its code runs.
#pragma once

#include <string>
#include <vector>

namespace gander::conformance {

struct ElfFacts {
  std::vector<std::string> exported;  // defined dynamic symbols, "name" or "name (unique)"
  bool static_tls = false;
  bool run_path = false;  // RPATH or RUNPATH
  bool text_relocations = false;
  bool no_delete = false;
  bool executable_stack = false;
};

// Throws std::runtime_error when the file is not a 64-bit ELF shared object.
ElfFacts read_elf(const std::string& file);

}  // namespace gander::conformance
