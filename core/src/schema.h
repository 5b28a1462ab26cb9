// The options of a plugin, as its JSON Schema states them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gander {

// One option, for checking and for printing.
struct OptionInfo {
  std::string name;
  std::string type;           // "string", "integer", "number", "boolean"
  std::string default_value;  // as text; of a required one, empty
  std::string description;
  bool secret = false;
  bool required = false;
  std::optional<double> minimum, maximum;
  std::vector<std::string> one_of;  // empty: any
};

// Immutable once parsed; share it freely. Filling in defaults is the plugin's business.
class Schema {
 public:
  // An empty text is a plugin without options. What is not a flat schema as gander_component asks
  // for (GBC-101) is Error(config) that names `plugin` and the property.
  static Schema parse(std::string_view json, const std::string& plugin);

  // Throws Error(config) for the first option that is unknown (naming the nearest), of the wrong
  // type, out of range, not among the allowed, or missing though required. `where` stands before
  // the text: "gander.toml:12: brokers.main". A value is never printed when it is secret.
  void check(const std::map<std::string, std::string>& options, const std::string& where) const;

  [[nodiscard]] const std::vector<OptionInfo>& options() const noexcept { return options_; }
  [[nodiscard]] bool is_secret(std::string_view name) const noexcept;

 private:
  std::string plugin_;
  std::vector<OptionInfo> options_;  // in the order of the schema
};

}  // namespace gander
