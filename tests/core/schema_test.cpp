#include "schema.h"

#include <gander/error.h>
#include <gtest/gtest.h>

namespace gander {
namespace {

constexpr const char* kSchema = R"({
  "type": "object",
  "properties": {
    "path": {"type": "string", "description": "file of the database"},
    "pool": {"type": "integer", "default": 4, "minimum": 1, "maximum": 64, "description": "sessions"},
    "ratio": {"type": "number", "default": 0.5, "minimum": 0, "maximum": 1, "description": "share"},
    "sync": {"type": "string", "default": "full", "enum": ["full", "normal"], "description": "d"},
    "tls": {"type": "boolean", "default": false, "description": "encrypt"},
    "pass_phrase": {"type": "string", "default": "", "description": "of the key", "x-secret": true},
    "pin": {"type": "integer", "default": 0, "description": "of the card", "x-secret": true}
  },
  "required": ["path"]
})";

// What an error says; empty when there is none.
template <class Function>
std::string refusal(Function&& function) {
  try {
    function();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::config);
    return e.what();
  }
  return {};
}

std::string refused(const std::map<std::string, std::string>& options) {
  return refusal([&] { Schema::parse(kSchema, "sqlite").check(options, "gander.toml:3"); });
}

TEST(Schema, ListsItsOptionsForPrinting) {
  const Schema schema = Schema::parse(kSchema, "sqlite");
  ASSERT_EQ(schema.options().size(), 7U);
  const OptionInfo& path = schema.options()[0];
  EXPECT_EQ(path.name, "path");
  EXPECT_TRUE(path.required);
  EXPECT_EQ(path.description, "file of the database");
  const OptionInfo& pool = schema.options()[1];
  EXPECT_EQ(pool.type, "integer");
  EXPECT_EQ(pool.default_value, "4");
  EXPECT_EQ(pool.minimum, 1);
  EXPECT_EQ(pool.maximum, 64);
  EXPECT_FALSE(pool.required);
  EXPECT_EQ(schema.options()[2].default_value, "0.5");
  EXPECT_EQ(schema.options()[3].one_of, (std::vector<std::string>{"full", "normal"}));
  EXPECT_EQ(schema.options()[4].default_value, "false");
  EXPECT_TRUE(schema.is_secret("pass_phrase"));
  EXPECT_FALSE(schema.is_secret("path"));
  EXPECT_FALSE(schema.is_secret("no such"));
}

TEST(Schema, TakesWhatIsRight) {
  EXPECT_EQ(refused({{"path", "a"}}), "");
  EXPECT_EQ(
      refused(
          {{"path", ""}, {"pool", "64"}, {"ratio", "1e-1"}, {"sync", "normal"}, {"tls", "true"}}),
      "");
}

TEST(Schema, RefusesByNameWithWhatWouldBeRight) {
  using Options = std::map<std::string, std::string>;
  const std::vector<std::pair<Options, std::string>> rows = {
      {{{"pol", "3"}, {"path", "a"}}, "has no option 'pol'; did you mean 'pool'?"},
      {{{"zzzzzz", "3"}}, "known are: path, pool, ratio, sync, tls, pass_phrase, pin"},
      {{{"pool", "many"}}, "option 'pool' of plugin 'sqlite' must be a whole number, not 'many'"},
      {{{"pool", "3.5"}}, "a whole number"},
      {{{"pool", ""}}, "a whole number"},
      {{{"pool", "99999999999999999999"}}, "a whole number"},
      {{{"pool", "0"}}, "must be at least 1, not '0'"},
      {{{"pool", "65"}}, "must be at most 64, not '65'"},
      {{{"ratio", "nan"}}, "must be a number"},
      {{{"ratio", "1.5"}}, "must be at most 1, not '1.5'"},
      {{{"sync", "ful"}}, "must be one of full, normal, not 'ful'"},
      {{{"tls", "yes"}}, "must be true or false, not 'yes'"},
      {{{"pool", "2"}}, "option 'path' of plugin 'sqlite' is required and missing (file of"},
  };
  for (const auto& [options, text] : rows) {
    const std::string refusal = refused(options);
    EXPECT_NE(refusal.find(text), std::string::npos) << refusal;
    EXPECT_EQ(refusal.find("gander.toml:3: "), 0U) << refusal;
  }
}

TEST(Schema, NeverPrintsASecret) {
  const std::string text = refused({{"path", "a"}, {"pin", "hunter2"}});
  EXPECT_NE(text.find("'pin'"), std::string::npos) << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

TEST(Schema, AnEmptyOneHasNoOptions) {
  const Schema schema = Schema::parse("", "plain");
  schema.check({}, "");
  EXPECT_EQ(refusal([&] {
              schema.check({{"a", "1"}}, "");
            }),
            "plugin 'plain' has no option 'a'; there are none");
}

TEST(Schema, RefusesASchemaThatIsNone) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"{", "plugin 'p': its schema is not JSON"},
      {"[]", "must be an object with 'properties'"},
      {R"({"properties": []})", "must be an object with 'properties'"},
      {R"({"properties": {"a": 1}})", "option 'a' of its schema must be an object"},
      {R"({"properties": {"a": {"type": "object", "description": "d", "default": 1}}})",
       "type must be string, integer, number or boolean, not 'object'"},
      {R"({"properties": {"a": {"type": "string", "default": ""}}})", "needs a description"},
      {R"({"properties": {"a": {"type": "string", "description": "d"}}})", "needs a default"},
      {R"({"properties": {"a": {"type": "integer", "description": "d", "default": 1,
           "minimum": "x"}}})",
       "minimum must be a number"},
      {std::string(200'000, '['), "not JSON"},
  };
  for (const auto& [json, text] : rows) {
    const std::string refused = refusal([&] { (void)Schema::parse(json, "p"); });
    EXPECT_NE(refused.find(text), std::string::npos) << refused;
  }
}

}  // namespace
}  // namespace gander
