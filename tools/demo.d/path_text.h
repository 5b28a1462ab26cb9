// A file name is bytes, a job's argument is UTF-8: paths travel percent-encoded, so that no file is
// left out for its name.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

inline std::string encode_path(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (c > ' ' && c < '\x7f' && c != '%') {
      text += c;
      continue;
    }
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += hex;
  }
  return text;
}

inline std::string decode_path(std::string_view text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const std::string hex(text.substr(i + 1, 2));
      path += static_cast<char>(std::strtol(hex.c_str(), nullptr, 16));
      i += 2;
    } else {
      path += text[i];
    }
  }
  return path;
}
