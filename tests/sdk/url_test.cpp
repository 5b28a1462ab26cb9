// What brokers on a server read out of their options.
#include <gtest/gtest.h>
#include <gander/sdk/url.hpp>

namespace {

using namespace gander::sdk;

TEST(Url, PercentCodesAreDecodedAndNothingElse) {
  EXPECT_EQ(percent_decoded("p%40ss%3aw%2Frd"), "p@ss:w/rd");
  EXPECT_EQ(percent_decoded("%00%ff").size(), 2U);
  for (const char* same : {"", "plain", "100%", "%", "%4", "%zz", "a%+1b", "%%"})
    EXPECT_EQ(percent_decoded(same), same);
  EXPECT_EQ(percent_decoded("%%41"), "%A");
}

TEST(Url, EndpointsOfEveryForm) {
  const auto text = [](const char* of) { return parse_endpoint(of, 6379, "it").text(); };
  EXPECT_EQ(text("db"), "db:6379");
  EXPECT_EQ(text("db:1"), "db:1");
  EXPECT_EQ(text("db:"), "db:6379");
  EXPECT_EQ(text("[::1]"), "[::1]:6379");
  EXPECT_EQ(text("[::1]:65535"), "[::1]:65535");
  EXPECT_EQ(parse_endpoint(":7", 6379, "it").host, "");
  for (const char* wrong : {"db:0", "db:65536", "db:x", "db:1x", "[::1", "[::1]6379", "db:-1"}) {
    try {
      parse_endpoint(wrong, 6379, "option 'url'");
      ADD_FAILURE() << wrong;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), GANDER_CONFIG);
      EXPECT_EQ(std::string(e.what()).find("option 'url': "), 0U) << e.what();
    }
  }
}

TEST(Url, SecretIsTheFirstLine) {
  const std::string file = testing::TempDir() + "gander-url-secret";
  std::ofstream(file) << "first\r\nsecond\n";
  EXPECT_EQ(read_secret(file, "password_file"), "first");
  std::remove(file.c_str());
  EXPECT_THROW(read_secret(file, "password_file"), Error);
}

}  // namespace
