// A Config as text, what it hides, and the page that explains it.
#include <rapidjson/document.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "config_support.h"

namespace gander {
namespace {

TEST(Config, ShowLoadsAgain) {
  const std::string shown = parse(kWhole).show(ShowFormat::toml);
  const Config again = parse(shown);
  expect_whole(again);
  EXPECT_EQ(again.brokers[0].url, "redis://ada:***@localhost:6379/1");
  EXPECT_EQ(again.show(ShowFormat::toml), shown);

  const std::string odd = parse(
                              "[queues.'a \"b\" $${x}']\nweight = 2\n[brokers.x]\nurl = 'a:'\n"
                              "v = \"$${y} \\u0001 \u20ac\"")
                              .show(ShowFormat::toml);
  const Config odd_again = parse(odd);
  EXPECT_EQ(odd_again.brokers.at(0).options.at("v"), "${y} \x01 \u20ac");
  EXPECT_EQ(odd_again.show(ShowFormat::toml), odd);
}

TEST(Config, ShowAsJson) {
  rapidjson::Document document;
  document.Parse(parse(kWhole).show(ShowFormat::json).c_str());
  ASSERT_FALSE(document.HasParseError());
  EXPECT_EQ(document["worker"]["threads"].GetInt(), 16);
  EXPECT_TRUE(document["retry"]["skip_dead"].GetBool());
  EXPECT_EQ(document["worker"]["queues"].Size(), 2U);
  EXPECT_STREQ(document["brokers"]["main"]["url"].GetString(), "redis://ada:***@localhost:6379/1");
}

TEST(Config, NoSecretIsShown) {
  const Temporary temporary;
  const std::string secret = temporary.write("s", "HIDE1");
  const Config config = parse(
      "broker = 'redis://u:HIDE2@h'\n"
      "[brokers.a]\nplugin = 'redis'\nurl = 'x://h?password=HIDE3&db=1'\n"
      "cert = 'file:" +
          secret +
          "'\nvariable = '${V}'\n"
          "sasl_password = 'HIDE5'\npin = 'HIDE6'\npool = 3\n"
          "[metrics.m]\napi_key = 'HIDE7'",
      {{"V", "HIDE4"}});
  const SecretTest by_schema = [](std::string_view plugin, std::string_view option) {
    return plugin == "redis" && option == "pin";
  };
  for (const ShowFormat format : {ShowFormat::toml, ShowFormat::json}) {
    const std::string shown = config.show(format, by_schema);
    EXPECT_EQ(shown.find("HIDE"), std::string::npos) << shown;
    EXPECT_NE(shown.find("db=1"), std::string::npos);
  }
}

TEST(Config, ErrorsShowNoSecret) {
  const std::string text =
      refusal([] { parse("[worker]\nqueues = 'redis://u:HIDE@h'\n").check(); });
  EXPECT_NE(text.find("***"), std::string::npos) << text;
  EXPECT_EQ(text.find("HIDE"), std::string::npos) << text;
}

TEST(MaskSecrets, HidesPasswordsAndLeavesTheRest) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"redis://localhost:6379/0", "redis://localhost:6379/0"},
      {"redis://ada:pw@h:1/0", "redis://ada:***@h:1/0"},
      {"redis://:pw@h", "redis://:***@h"},
      {"redis://:p/w?a@b@h/0", "redis://:***@h/0"},
      {"amqp://u@h", "amqp://u@h"},
      {"x://u:p@h then y://v:q@i.", "x://u:***@h then y://v:***@i."},
      {"pg://h/db?sslmode=require&password=pw&x=1", "pg://h/db?sslmode=require&password=***&x=1"},
      {"host=h password='p w' dbname=d", "host=h password=*** dbname=d"},
      {"sasl.password=pw", "sasl.password=***"},
      {"auth_token=abc;n=1", "auth_token=***;n=1"},
      {"password=", "password="},
      {"keyspace=a monkey=b", "keyspace=a monkey=b"},
      {"", ""},
  };
  for (const auto& [text, masked] : rows) EXPECT_EQ(mask_secrets(text), masked);
}

// Every block of the page that users read.
TEST(ConfigurationPage, EveryExampleLoads) {
  std::ifstream in(GANDER_CONFIGURATION_PAGE);
  ASSERT_TRUE(in.is_open());
  const std::string page((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const Temporary temporary;
  const std::string secret = temporary.write("redis-password", "pw\n");
  int blocks = 0;
  constexpr std::string_view kFence = "```toml\n";
  for (std::size_t at = 0; (at = page.find(kFence, at)) != std::string::npos;) {
    at += kFence.size();
    std::string block = page.substr(at, page.find("```", at) - at);
    // The page's secret file is nobody's; this one stands in for it.
    const std::string theirs = "/run/secrets/redis-password";
    if (const auto found = block.find(theirs); found != std::string::npos)
      block.replace(found, theirs.size(), secret);
    const int line =
        static_cast<int>(std::count(page.begin(), page.begin() + static_cast<long>(at), '\n'));
    EXPECT_EQ(refusal([&] {
                Config::parse(block, "block at line " + std::to_string(line + 1),
                              {{"REDIS_PASSWORD", "pw"}})
                    .check();
              }),
              "")
        << block;
    ++blocks;
  }
  EXPECT_GE(blocks, 4);
}

// The page's whole example states every default: what it says must be what is so.
TEST(ConfigurationPage, TheDefaultsItStatesAreTheDefaults) {
  std::ifstream in(GANDER_CONFIGURATION_PAGE);
  const std::string page((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::string mark = "<!-- defaults -->\n```toml\n";
  const std::size_t at = page.find(mark);
  ASSERT_NE(at, std::string::npos);
  const std::string block =
      page.substr(at + mark.size(), page.find("```", at + mark.size()) - at - mark.size());
  EXPECT_EQ(parse(block).show(ShowFormat::toml), Config().show(ShowFormat::toml));
  // ... and complete: each key that is shown stands in it.
  std::istringstream lines(Config().show(ShowFormat::toml));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    EXPECT_NE(block.find(line.substr(0, line.find(" ="))), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace gander
