// What a setting is before it is understood: a value from a file, the environment or a flag.
#pragma once

#include <gander/config.h>
#include <gander/error.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gander {

struct ConfigValue {
  struct Member;
  enum class Kind { text, integer, number, boolean, list, table, other };
  Kind kind = Kind::text;
  std::string text;     // of a scalar, in canonical form
  bool loose = false;   // from environment or flag, where all is text and "8" may be a number
  bool secret = false;  // came from file: or ${VAR}
  std::vector<ConfigValue> list;
  std::vector<Member> table;  // in the order of the file
  std::string where;          // "gander.toml:12"
};
// Not a std::pair, which would ask for a whole ConfigValue inside of ConfigValue.
struct ConfigValue::Member {
  std::string key;
  ConfigValue value;
};

// A TOML document as a table. Malformed: Error(config) with line and column.
ConfigValue parse_toml(std::string_view text, const std::string& name);

// Replaces `${VAR}` and `file:/path` in every text below `value`.
void expand(ConfigValue& value, const std::string& path, const Environment& environment);
// `file:/path` alone.
void expand_file(ConfigValue& value, const std::string& path);

// Puts a table into the config: keys that are unknown or of the wrong type are refused.
void apply(Config& config, const ConfigValue& root);
// One key, a scalar or a list.
void apply_path(Config& config, const std::string& path, const ConfigValue& value);

// Every fixed key, "worker.threads"...: for the environment and for hints.
std::span<const std::string> fixed_keys();

// A whole file, or why not: "No such file or directory".
struct FileText {
  std::string text;
  std::string failure;
};
FileText read_whole(const std::string& file);

[[noreturn]] void refuse(const ConfigValue& value, const std::string& path,
                         const std::string& text);

// "30s", "500ms", "5m", "1h"; shortest exact form.
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace gander
