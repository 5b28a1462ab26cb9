// What a command of the shell prints. Throws, with what it printed, when the command fails.
#pragma once

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace gander::test {

inline std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string text;
  std::array<char, 4096> block{};
  while (const std::size_t n = std::fread(block.data(), 1, block.size(), pipe))
    text.append(block.data(), n);
  if (pclose(pipe) != 0) throw std::runtime_error(command + ": " + text);
  return text;
}

}  // namespace gander::test
