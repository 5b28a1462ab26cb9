#include "schema.h"

#include <gander/config.h>
#include <gander/error.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "nearest.h"
#include "rapidjson.h"

namespace gander {
namespace {

constexpr std::array<std::string_view, 4> kTypes = {"string", "integer", "number", "boolean"};

std::string number_text(double number) {
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

std::string scalar_text(const rapidjson::Value& value) {
  if (value.IsString()) return {value.GetString(), value.GetStringLength()};
  if (value.IsBool()) return value.GetBool() ? "true" : "false";
  if (value.IsInt64()) return std::to_string(value.GetInt64());
  if (value.IsNumber()) return number_text(value.GetDouble());
  return {};
}

// Reads one property; on a mistake, says it of "plugin 'redis': option 'pool'".
class PropertyReader {
 public:
  PropertyReader(const rapidjson::Value& property, std::string name, std::string place)
      : property_(property), place_(std::move(place)) {
    info_.name = std::move(name);
  }

  OptionInfo read(bool required) {
    if (!property_.IsObject()) refuse("must be an object");
    info_.required = required;
    info_.type = text("type");
    info_.description = text("description");
    if (std::find(kTypes.begin(), kTypes.end(), info_.type) == kTypes.end())
      refuse("type must be string, integer, number or boolean, not '" + info_.type + "'");
    if (info_.description.empty()) refuse("needs a description");
    if (const auto* value = member("default"))
      info_.default_value = scalar_text(*value);
    else if (!required)
      refuse("needs a default, or a place in 'required'");
    if (const auto* value = member("x-secret")) info_.secret = value->IsBool() && value->GetBool();
    info_.minimum = bound("minimum");
    info_.maximum = bound("maximum");
    if (const auto* value = member("enum")) {
      if (!value->IsArray()) refuse("enum must be an array");
      for (const auto& item : value->GetArray()) info_.one_of.push_back(scalar_text(item));
    }
    return info_;
  }

 private:
  [[noreturn]] void refuse(const std::string& text) const {
    throw Error(Code::config, place_ + ": option '" + info_.name + "' of its schema " + text);
  }
  [[nodiscard]] const rapidjson::Value* member(const char* name) const {
    const auto found = property_.FindMember(name);
    return found == property_.MemberEnd() ? nullptr : &found->value;
  }
  [[nodiscard]] std::string text(const char* name) const {
    const auto* value = member(name);
    return value != nullptr && value->IsString() ? scalar_text(*value) : std::string();
  }
  [[nodiscard]] std::optional<double> bound(const char* name) const {
    const auto* value = member(name);
    if (value == nullptr) return std::nullopt;
    if (!value->IsNumber()) refuse(std::string(name) + " must be a number");
    return value->GetDouble();
  }

  const rapidjson::Value& property_;
  std::string place_;
  OptionInfo info_;
};

std::vector<std::string> required_names(const rapidjson::Document& document) {
  std::vector<std::string> names;
  const auto found = document.FindMember("required");
  if (found == document.MemberEnd() || !found->value.IsArray()) return names;
  for (const auto& item : found->value.GetArray()) names.push_back(scalar_text(item));
  return names;
}

bool is_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc{} && end == text.data() + text.size();
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

// What a value should have been, or empty when it is right.
std::string wanted(const OptionInfo& info, const std::string& value) {
  if (info.type == "boolean" && value != "true" && value != "false") return "true or false";
  if (info.type == "integer" && !is_integer(value)) return "a whole number";
  if (info.type == "integer" || info.type == "number") {
    const auto number = number_of(value);
    if (!number) return "a number";
    if (info.minimum && *number < *info.minimum) return "at least " + number_text(*info.minimum);
    if (info.maximum && *number > *info.maximum) return "at most " + number_text(*info.maximum);
  }
  const auto& choices = info.one_of;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end())
    return "one of " + joined(choices);
  return {};
}

}  // namespace

Schema Schema::parse(std::string_view json, const std::string& plugin) {
  Schema schema;
  schema.plugin_ = plugin;
  if (json.empty()) return schema;
  const std::string place = "plugin '" + plugin + "'";
  rapidjson::Document document;
  // Iterative, so that a hostile nesting cannot exhaust the stack.
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError())
    throw Error(Code::config, place + ": its schema is not JSON: " +
                                  rapidjson::GetParseError_En(document.GetParseError()) +
                                  " at byte " + std::to_string(document.GetErrorOffset()));
  if (!document.IsObject() || !document.HasMember("properties") ||
      !document["properties"].IsObject())
    throw Error(Code::config, place + ": its schema must be an object with 'properties'");
  const std::vector<std::string> required = required_names(document);
  for (const auto& property : document["properties"].GetObject()) {
    const std::string name = scalar_text(property.name);
    const bool needed = std::find(required.begin(), required.end(), name) != required.end();
    schema.options_.push_back(PropertyReader(property.value, name, place).read(needed));
  }
  return schema;
}

void Schema::check(const std::map<std::string, std::string>& options,
                   const std::string& where) const {
  std::vector<std::string> known;
  for (const OptionInfo& info : options_) known.push_back(info.name);
  const std::string prefix = where.empty() ? "" : where + ": ";
  for (const auto& [name, value] : options) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
      throw Error(Code::config, prefix + "plugin '" + plugin_ + "' has no option '" + name + "'" +
                                    nearest_hint(name, known));
    const OptionInfo& info = options_[static_cast<std::size_t>(found - known.begin())];
    const std::string right = wanted(info, value);
    if (!right.empty())
      throw Error(Code::config, prefix + "option '" + name + "' of plugin '" + plugin_ +
                                    "' must be " + right + ", not " +
                                    (info.secret ? "what it is" : "'" + mask_secrets(value) + "'"));
  }
  for (const OptionInfo& info : options_)
    if (info.required && !options.contains(info.name))
      throw Error(Code::config, prefix + "option '" + info.name + "' of plugin '" + plugin_ +
                                    "' is required and missing (" + info.description + ")");
}

bool Schema::is_secret(std::string_view name) const noexcept {
  return std::any_of(options_.begin(), options_.end(),
                     [&](const OptionInfo& info) { return info.secret && info.name == name; });
}

}  // namespace gander
