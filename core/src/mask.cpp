#include <gander/config.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace gander {
namespace {

constexpr std::string_view kMask = "***";

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_key_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
}

// scheme://user:password@host: hides from the first ':' to the last '@' of the word.
std::string mask_userinfo(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) break;
    const std::size_t begin = scheme + 3;
    const auto word_end =
        std::find_if(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), is_space);
    const auto end = static_cast<std::size_t>(word_end - text.begin());
    const std::string_view word = text.substr(begin, end - begin);
    const std::size_t at = word.rfind('@');
    const std::size_t colon = word.find(':');
    out += text.substr(0, begin);
    if (at != std::string_view::npos && colon < at) {
      out += word.substr(0, colon + 1);
      out += kMask;
      out += word.substr(at);
    } else {
      out += word;
    }
    text.remove_prefix(end);
  }
  return out += text;
}

// Where the value that begins at `begin` ends: a quoted one at its quote, another at the next '&',
// ';' or white space.
std::size_t value_end(std::string_view text, std::size_t begin) {
  const char quote = begin < text.size() ? text[begin] : '\0';
  if (quote == '\'' || quote == '"') {
    const std::size_t end = text.find(quote, begin + 1);
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  std::size_t end = begin;
  while (end < text.size() && !is_space(text[end]) && text[end] != '&' && text[end] != ';') ++end;
  return end;
}

// key=value, in a query or in words, where the key is named like a secret.
std::string mask_pairs(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t equals; (equals = text.find('=', done)) != std::string_view::npos;) {
    std::size_t key = equals;
    while (key > done && is_key_char(text[key - 1])) --key;
    out += text.substr(done, equals + 1 - done);
    done = equals + 1;
    if (!is_secret_name(text.substr(key, equals - key))) continue;
    const std::size_t end = value_end(text, done);
    if (end > done) out += kMask;
    done = end;
  }
  return out += text.substr(done);
}

}  // namespace

bool is_secret_name(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kParts = {"password", "passwd",     "passphrase",
                                                             "secret",   "token",      "credential",
                                                             "apikey",   "privatekey", "accesskey"};
  static constexpr std::array<std::string_view, 4> kWhole = {"pwd", "pass", "auth", "key"};
  std::string plain;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::any_of(
             kParts.begin(), kParts.end(),
             [&](std::string_view part) { return plain.find(part) != std::string::npos; }) ||
         std::find(kWhole.begin(), kWhole.end(), plain) != kWhole.end();
}

std::string mask_secrets(std::string_view text) { return mask_pairs(mask_userinfo(text)); }

}  // namespace gander
