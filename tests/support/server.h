// The real server of a test: where ./tools/services started it (or anybody else), from
// GANDER_TEST_<NAME>_URL. Without it the test is skipped, and says why.
//
//   TEST(Redis, KeepsWhatItWasGiven) {
//     GANDER_REQUIRE_SERVER(url, "redis");
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>

namespace gander::test {

// GANDER_TEST_<NAME>_<what>, or empty.
inline std::string server_variable(std::string_view name, std::string_view what) {
  std::string variable = "GANDER_TEST_";
  for (const char c : name)
    variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  variable += '_';
  variable += what;
  const char* value = std::getenv(variable.c_str());
  return value == nullptr ? "" : value;
}

inline std::string server_url(std::string_view name) { return server_variable(name, "URL"); }

// Why there is none, and what would give one.
inline std::string server_absence(std::string_view name) {
  const std::string reason = server_variable(name, "SKIP");
  if (!reason.empty()) return std::string(name) + " cannot be had: " + reason;
  return "no " + std::string(name) + ": ./tools/services start " + std::string(name) +
         ", then eval \"$(./tools/services env)\"";
}

}  // namespace gander::test

// Declares `url`, or skips the test. Of a fixture's SetUp as of a test's body.
#define GANDER_REQUIRE_SERVER(url, name)                    \
  const std::string url = ::gander::test::server_url(name); \
  if (url.empty()) GTEST_SKIP() << ::gander::test::server_absence(name)
