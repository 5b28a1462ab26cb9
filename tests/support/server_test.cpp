#include "server.h"

namespace gander::test {
namespace {

TEST(Server, IsWhereTheEnvironmentSays) {
  setenv("GANDER_TEST_NOWHERE_URL", "nowhere://1", 1);
  GANDER_REQUIRE_SERVER(url, "nowhere");
  EXPECT_EQ(url, "nowhere://1");
  unsetenv("GANDER_TEST_NOWHERE_URL");
}

TEST(Server, IsMissedWithAReason) {
  EXPECT_EQ(server_url("nowhere"), "");
  EXPECT_EQ(server_absence("nowhere"),
            "no nowhere: ./tools/services start nowhere, then eval \"$(./tools/services env)\"");
  setenv("GANDER_TEST_NOWHERE_SKIP", "no Java", 1);
  EXPECT_EQ(server_absence("nowhere"), "nowhere cannot be had: no Java");
  unsetenv("GANDER_TEST_NOWHERE_SKIP");
}

}  // namespace
}  // namespace gander::test
