// Group config: the schema, and what create() makes of options.
#include <malloc.h>
#include <rapidjson/document.h>

#include <algorithm>

#include "../harness.h"

namespace gander::conformance {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

struct Option {
  std::string name, type, default_text;
  bool has_default = false, required = false, secret = false, described = false;
  std::optional<double> minimum, maximum;
  std::vector<std::string> choices;
};

std::string text_of(const rapidjson::Value& v) {
  if (v.IsString()) return v.GetString();
  if (v.IsBool()) return v.GetBool() ? "true" : "false";
  if (v.IsInt64()) return std::to_string(v.GetInt64());
  return v.IsNumber() ? std::to_string(v.GetDouble()) : "";
}

Option read_option(const char* name, const rapidjson::Value& v) {
  expect(v.IsObject() && v.HasMember("type") && v["type"].IsString(), "option ", name,
         " has no type");
  Option o;
  o.name = name;
  o.type = v["type"].GetString();
  o.described = v.HasMember("description") && v["description"].IsString() &&
                v["description"].GetStringLength() > 0;
  o.has_default = v.HasMember("default");
  if (o.has_default) o.default_text = text_of(v["default"]);
  o.secret = v.HasMember("x-secret") && v["x-secret"].IsBool() && v["x-secret"].GetBool();
  if (v.HasMember("minimum")) o.minimum = v["minimum"].GetDouble();
  if (v.HasMember("maximum")) o.maximum = v["maximum"].GetDouble();
  if (v.HasMember("enum"))
    for (const auto& choice : v["enum"].GetArray()) o.choices.push_back(text_of(choice));
  return o;
}

std::vector<Option> read_schema(Kit& kit) {
  const char* text = kit.component().config_schema;
  expect(text != nullptr, "there is no schema");
  rapidjson::Document schema;
  schema.Parse(text);
  expect(!schema.HasParseError(), "the schema is not JSON, at byte ", schema.GetErrorOffset());
  expect(schema.IsObject() && schema.HasMember("properties") && schema["properties"].IsObject(),
         "the schema has no properties");
  std::vector<Option> list;
  for (const auto& member : schema["properties"].GetObject())
    list.push_back(read_option(member.name.GetString(), member.value));
  if (schema.HasMember("required"))
    for (const auto& name : schema["required"].GetArray())
      for (Option& o : list) o.required = o.required || o.name == name.GetString();
  return list;
}

void schema_whole(Kit& kit) {
  for (const Option& o : read_schema(kit)) {
    expect(o.type == "string" || o.type == "integer" || o.type == "number" || o.type == "boolean",
           "option ", o.name, " is of type ", o.type);
    expect(o.described, "option ", o.name, " has no description");
    expect(o.has_default || o.required, "option ", o.name, " has no default and is not required");
  }
}

// Creates with the given options and one more set; what create said.
struct Tried {
  gander_status status;
  gander_error error;
  std::string logs;
};
Tried try_create(Kit& kit, const std::string& name, const std::string& value) {
  Options list;
  for (auto& option : kit.options())
    if (option.first != name) list.push_back(option);
  list.emplace_back(name, value);
  FakeHost& host = Kit::host(false);
  gander_broker* b = nullptr;
  Tried tried{};
  tried.error.struct_size = sizeof(gander_error);
  tried.status = kit.create(list, host, &b, &tried.error);
  if (tried.status == GANDER_OK) kit.table().destroy(b);
  tried.logs = host.logs();
  return tried;
}

void options_accepted(Kit& kit) {
  const auto given = kit.options();
  for (const Option& o : read_schema(kit)) {
    auto values = o.choices;
    const bool set = std::ranges::any_of(given, [&](const auto& g) { return g.first == o.name; });
    if (o.has_default && !set) values.push_back(o.default_text);
    for (const auto& value : values) {
      const Tried tried = try_create(kit, o.name, value);
      expect_status(tried.status, GANDER_OK, say("create with ", o.name, " = \"", value, "\""),
                    &tried.error);
    }
  }
}

void expect_config(const Tried& tried, const std::string& name, const std::string& value) {
  expect_status(tried.status, GANDER_CONFIG, say("create with ", name, " = \"", value, "\""),
                &tried.error);
  expect(std::string_view(tried.error.message).find(name) != std::string_view::npos,
         "the error does not name the option ", name, ": \"", tried.error.message, "\"");
}

void unknown_option(Kit& kit) {
  expect_config(try_create(kit, "no_such_option", "1"), "no_such_option", "1");
}

void bad_option(Kit& kit) {
  bool any = false;
  for (const Option& o : read_schema(kit)) {
    std::vector<std::string> wrong;
    if (o.type != "string") wrong.emplace_back("neither number nor truth");
    if (o.type == "integer" || o.type == "number") wrong.emplace_back("12x");
    if (o.minimum) wrong.push_back(std::to_string(static_cast<std::int64_t>(*o.minimum) - 1));
    if (o.maximum) wrong.push_back(std::to_string(static_cast<std::int64_t>(*o.maximum) + 1));
    if (!o.choices.empty()) wrong.emplace_back("none-of-the-choices");
    for (const auto& value : wrong) expect_config(try_create(kit, o.name, value), o.name, value);
    any = any || !wrong.empty();
  }
  if (!any) throw Skip("no option has a type, a range or choices that could be broken");
}

void secret_hidden(Kit& kit) {
  static const std::string kSecret = "kit-5ecret-v4lue";
  bool any = false;
  for (const Option& o : read_schema(kit)) {
    if (!o.secret) continue;
    any = true;
    const Tried tried = try_create(kit, o.name, kSecret);
    expect(tried.logs.find(kSecret) == std::string::npos, "the log shows the value of ", o.name);
    expect(std::string_view(tried.error.message).find(kSecret) == std::string_view::npos,
           "the error shows the value of ", o.name);
  }
  if (!any) throw Skip("no option is marked x-secret");
}

void create_touches_nothing(Kit& kit) {
  kit.table();
  const auto files = open_files();
  FakeHost& host = Kit::host(false);
  gander_broker* b = nullptr;
  gander_error error{};
  error.struct_size = sizeof(error);
  expect_status(kit.create(kit.options(), host, &b, &error), GANDER_OK, "create", &error);
  const auto after = open_files();
  kit.table().destroy(b);
  expect(after == files, "create left ", after - files, " more file(s) or socket(s) open");
}

void create_and_destroy(Kit& kit) {
  FakeHost& host = Kit::host(kit.has_cap(GANDER_CAP_SERVER_CLOCK));
  const auto options = kit.options();
  const auto round = [&] {
    gander_broker* b = nullptr;
    expect_status(kit.create(options, host, &b, nullptr), GANDER_OK, "create");
    kit.table().destroy(b);
  };
  for (int i = 0; i < 10; ++i) round();
  const auto files = open_files();
  const auto threads = live_threads();
  const auto memory = mallinfo2().uordblks;
  for (int i = 0; i < 100; ++i) round();
  expect(open_files() == files, "100 instances left ", open_files() - files, " file(s) open");
  expect(live_threads() == threads, "100 instances left ", live_threads() - threads, " thread(s)");
  const auto grown = mallinfo2().uordblks > memory ? mallinfo2().uordblks - memory : 0;
  // An instance that leaks even its smallest part leaves more than this.
  expect(grown < 100 * 64, "100 instances left ", grown, " bytes behind");
}

constexpr CheckDef kChecks[] = {
    {{21, "schema-whole", "config", "GBC-101", "",
      "the schema is JSON, and each option has a type, a description and a default or is required"},
     schema_whole},
    {{22, "options-accepted", "config", "GBC-101", "",
      "every default and every choice is accepted"},
     options_accepted},
    {{23, "unknown-option", "config", "GBC-102", "", "an unknown option is CONFIG and is named"},
     unknown_option},
    {{24, "bad-option", "config", "GBC-103", "", "a bad type or range is CONFIG and is named"},
     bad_option},
    {{25, "secret-hidden", "config", "GBC-105", "", "a secret is in no log line and in no error"},
     secret_hidden},
    {{26, "create-touches-nothing", "config", "GBC-104", "",
      "create opens no file and no connection"},
     create_touches_nothing},
    {{27, "create-and-destroy", "config", "GBC-106", "",
      "a hundred instances leave no file, no thread and no memory behind"},
     create_and_destroy},
};
}  // namespace

std::span<const CheckDef> config_checks() { return kChecks; }
}  // namespace gander::conformance
