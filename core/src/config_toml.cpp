#include "config_value.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

namespace gander {
namespace {

std::string number_text(double number) {
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

ConfigValue convert(const toml::node& node, const std::string& name) {
  using Kind = ConfigValue::Kind;
  ConfigValue value;
  value.where = name + ":" + std::to_string(node.source().begin.line);
  if (const auto* text = node.as_string()) {
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = Kind::integer;
    value.text = std::to_string(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = Kind::number;
    value.text = number_text(number->get());
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = Kind::boolean;
    value.text = boolean->get() ? "true" : "false";
  } else if (const auto* list = node.as_array()) {
    value.kind = Kind::list;
    for (const toml::node& item : *list) value.list.push_back(convert(item, name));
  } else if (const auto* table = node.as_table()) {
    value.kind = Kind::table;
    std::vector<std::pair<toml::source_position, ConfigValue::Member>> items;
    for (const auto& [key, item] : *table)
      items.push_back({item.source().begin, {std::string(key.str()), convert(item, name)}});
    // toml++ sorts by name; the reader of `config show` expects the order of the file.
    std::stable_sort(items.begin(), items.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [position, item] : items) value.table.push_back(std::move(item));
  } else {
    value.kind = Kind::other;
  }
  return value;
}

}  // namespace

ConfigValue parse_toml(std::string_view text, const std::string& name) {
  try {
    return convert(toml::parse(text, name), name);
  } catch (const toml::parse_error& e) {
    std::string why(e.description());
    if (why.find("redefine") != std::string::npos)
      why += "; the same name stands there twice, give each a name of its own";
    const auto& at = e.source().begin;
    throw Error(Code::config, name + ":" + std::to_string(at.line) + ":" +
                                  std::to_string(at.column) + ": not TOML: " + why);
  }
}

}  // namespace gander
