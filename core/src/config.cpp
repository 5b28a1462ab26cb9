// Understands settings: one row per fixed key, one function per open section.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "config_value.h"
#include "nearest.h"

namespace gander {
namespace {

using Kind = ConfigValue::Kind;
using std::chrono::milliseconds;

std::string found(const ConfigValue& value) {
  switch (value.kind) {
    case Kind::text: return "'" + mask_secrets(value.text) + "'";
    case Kind::list: return "a list";
    case Kind::table: return "a table";
    case Kind::other: return "a date or time";
    default: return value.text;
  }
}

[[noreturn]] void refuse_type(const ConfigValue& value, const std::string& path,
                              const std::string& wanted) {
  refuse(value, path, "must be " + wanted + ", not " + found(value));
}

std::string text_of(const ConfigValue& value, const std::string& path) {
  if (value.kind != Kind::text) refuse_type(value, path, "a text in quotes");
  return value.text;
}

int integer_of(const ConfigValue& value, const std::string& path, int min, int max) {
  const std::string wanted =
      "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  if (value.kind != Kind::integer && !(value.kind == Kind::text && value.loose))
    refuse_type(value, path, wanted);
  int number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, ec] = std::from_chars(value.text.data(), end, number);
  if (ec != std::errc{} || stop != end || number < min || number > max)
    refuse_type(value, path, wanted);
  return number;
}

bool boolean_of(const ConfigValue& value, const std::string& path) {
  const bool scalar = value.kind == Kind::boolean || (value.kind == Kind::text && value.loose);
  if (!scalar || (value.text != "true" && value.text != "false"))
    refuse_type(value, path, "true or false");
  return value.text == "true";
}

milliseconds duration_of(const ConfigValue& value, const std::string& path, milliseconds min) {
  const std::string wanted =
      "a duration such as \"500ms\", \"30s\", \"5m\" or \"1h\", at least " + duration_text(min);
  if (value.kind != Kind::text) refuse_type(value, path, wanted);
  long long number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, ec] = std::from_chars(value.text.data(), end, number);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  const long long factor = unit == "ms"  ? 1
                           : unit == "s" ? 1'000
                           : unit == "m" ? 60'000
                           : unit == "h" ? 3'600'000
                                         : 0;
  constexpr long long kLongest = 24LL * 365 * 3'600'000;
  if (ec != std::errc{} || factor == 0 || number < 0 || number > kLongest / factor ||
      milliseconds(number * factor) < min)
    refuse_type(value, path, wanted);
  return milliseconds(number * factor);
}

std::string choice_of(const ConfigValue& value, const std::string& path,
                      const std::vector<std::string>& choices) {
  std::string text = text_of(value, path);
  if (std::find(choices.begin(), choices.end(), text) == choices.end())
    refuse(value, path, "unknown value '" + text + "'" + nearest_hint(text, choices));
  return text;
}

std::string queue_of(const ConfigValue& value, const std::string& path) {
  std::string name = text_of(value, path);
  const bool bad = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/' || c == '\\';
  });
  if (name.empty() || name.size() > 200 || bad)
    refuse(value, path,
           "a queue's name has 1 to 200 bytes, no control character, no '/' and no '\\'");
  return name;
}

std::vector<std::string> list_of(const ConfigValue& value, const std::string& path,
                                 char separator) {
  std::vector<std::string> out;
  if (value.kind == Kind::list) {
    for (const ConfigValue& item : value.list) out.push_back(text_of(item, path));
  } else if (value.loose) {
    std::string_view rest = value.text;
    while (!rest.empty()) {
      const std::size_t at = std::min(rest.find(separator), rest.size());
      if (at > 0) out.emplace_back(rest.substr(0, at));
      rest.remove_prefix(std::min(at + 1, rest.size()));
    }
  } else {
    refuse_type(value, path, "a list of texts, such as [\"a\", \"b\"]");
  }
  return out;
}

void read_worker_queues(Config& config, const ConfigValue& value, const std::string& path) {
  config.worker.queues.clear();
  for (const std::string& name : list_of(value, path, ',')) {
    ConfigValue item;
    item.text = name;
    item.where = value.where;
    config.worker.queues.push_back(queue_of(item, path));
  }
}

void read_plugin_path(Config& config, const ConfigValue& value, const std::string& path) {
  config.plugin_path = list_of(value, path, ':');
  for (const std::string& folder : config.plugin_path)
    if (!folder.starts_with('/'))
      refuse(value, path,
             "'" + folder +
                 "' must be an absolute path: a plugin is code, and no "
                 "current folder may choose it");
}

struct Key {
  std::string path;
  void (*read)(Config&, const ConfigValue&, const std::string& path);
};

using V = const ConfigValue&;
using P = const std::string&;
const std::vector<Key>& keys() {
  static const std::vector<Key> table = {
      {"broker", [](Config& c, V v, P p) { c.broker = text_of(v, p); }},
      {"plugin_path", read_plugin_path},
      {"metrics_interval",
       [](Config& c, V v, P p) { c.metrics_interval = duration_of(v, p, milliseconds(100)); }},
      {"client.queue", [](Config& c, V v, P p) { c.client.queue = queue_of(v, p); }},
      {"client.timeout",
       [](Config& c, V v, P p) { c.client.timeout = duration_of(v, p, milliseconds(1)); }},
      {"worker.threads", [](Config& c, V v, P p) { c.worker.threads = integer_of(v, p, 1, 1024); }},
      {"worker.queues", read_worker_queues},
      {"worker.prefetch",
       [](Config& c, V v, P p) {
         c.worker.prefetch =
             v.text == "automatic" ? WorkerConfig::kAutomatic : integer_of(v, p, 0, 100'000);
       }},
      {"worker.shutdown_timeout",
       [](Config& c, V v, P p) { c.worker.shutdown_timeout = duration_of(v, p, milliseconds(1)); }},
      {"retry.max_retries",
       [](Config& c, V v, P p) { c.retry.max_retries = integer_of(v, p, 0, 1000); }},
      {"retry.max_crashes",
       [](Config& c, V v, P p) { c.retry.max_crashes = integer_of(v, p, 0, 100); }},
      {"retry.queue",
       [](Config& c, V v, P p) { c.retry.queue = v.text.empty() ? "" : queue_of(v, p); }},
      {"retry.skip_dead", [](Config& c, V v, P p) { c.retry.skip_dead = boolean_of(v, p); }},
      {"log.level",
       [](Config& c, V v, P p) {
         c.log.level = choice_of(v, p, {"trace", "debug", "info", "warn", "error", "off"});
       }},
      {"log.format",
       [](Config& c, V v, P p) {
         c.log.format = choice_of(v, p, {"text", "json"});
       }},
  };
  return table;
}

const std::vector<std::string> kSections = {"brokers", "queues", "metrics"};

// Of a broker or a sink: it stands in a path, in a variable's name, and is told from a URL by ':'.
void check_name(const ConfigValue& value, const std::string& path, std::string_view name) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), fits))
    refuse(value, path, "a name has 1 to 64 letters, digits, '_' and '-'");
}

template <class Item>
Item& item_of(std::vector<Item>& items, std::string_view name, const ConfigValue& value) {
  for (Item& item : items)
    if (item.name == name) return item;
  items.emplace_back();
  items.back().name = name;
  if constexpr (requires { items.back().where; }) items.back().where = value.where;
  return items.back();
}

void read_option(Config& config, std::map<std::string, std::string>& options,
                 const std::string& key, const ConfigValue& value, const std::string& path) {
  if (value.kind == Kind::list || value.kind == Kind::table || value.kind == Kind::other)
    refuse_type(value, path, "a text, a number, true or false: options of plugins are flat");
  options[key] = value.text;
  if (value.secret) config.secret_paths.push_back(path);
}

void read_plugin_name(std::string& plugin, const ConfigValue& value, const std::string& path) {
  plugin = text_of(value, path);
  const auto fits = [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0 ||
           std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const bool begins = !plugin.empty() && std::islower(static_cast<unsigned char>(plugin[0])) != 0;
  if (!begins || plugin.size() > 32 || !std::all_of(plugin.begin(), plugin.end(), fits))
    refuse(value, path,
           "a plugin is called by its name, such as \"redis\", not by '" + plugin +
               "'; its file gander_<name>.so is found by plugin_path");
}

void read_open(Config& config, const std::string& section, const std::string& name,
               const std::string& key, const ConfigValue& value) {
  const std::string path = section + "." + name + "." + key;
  if (section == "queues") {
    static const std::vector<std::string> known = {"weight"};
    if (key != "weight")
      refuse(value, path, "unknown key '" + key + "'" + nearest_hint(key, known));
    item_of(config.queues, name, value).weight = integer_of(value, path, 1, 1000);
  } else if (section == "brokers") {
    BrokerConfig& broker = item_of(config.brokers, name, value);
    if (key == "plugin") return read_plugin_name(broker.plugin, value, path);
    if (key == "url") return void(broker.url = text_of(value, path));
    read_option(config, broker.options, key, value, path);
  } else {
    SinkConfig& sink = item_of(config.metrics, name, value);
    if (key == "plugin") return read_plugin_name(sink.plugin, value, path);
    read_option(config, sink.options, key, value, path);
  }
}

void read_section(Config& config, const std::string& section, const ConfigValue& table) {
  if (table.kind != Kind::table)
    refuse_type(table, section, "a table, such as [" + section + ".main]");
  for (const auto& [name, item] : table.table) {
    const std::string path = section + "." + name;
    if (item.kind != Kind::table) refuse_type(item, path, "a table, such as [" + path + "]");
    ConfigValue text;
    text.text = name;
    text.where = item.where;
    if (section == "queues") {
      queue_of(text, path);
      item_of(config.queues, name, item);
    } else {
      check_name(text, path, name);
      if (section == "brokers") item_of(config.brokers, name, item);
      if (section == "metrics") item_of(config.metrics, name, item);
    }
    for (const auto& [key, value] : item.table) read_open(config, section, name, key, value);
  }
}

void read_fixed(Config& config, const std::string& path, const ConfigValue& value) {
  for (const Key& key : keys())
    if (key.path == path) return key.read(config, value, path);
  std::vector<std::string> known(fixed_keys().begin(), fixed_keys().end());
  known.insert(known.end(), kSections.begin(), kSections.end());
  refuse(value, path, "unknown key" + nearest_hint(path, known));
}

bool is_section(std::string_view name) {
  return std::any_of(keys().begin(), keys().end(), [&](const Key& key) {
    return key.path.starts_with(name) && key.path.size() > name.size() &&
           key.path[name.size()] == '.';
  });
}

}  // namespace

void refuse(const ConfigValue& value, const std::string& path, const std::string& text) {
  std::string whole = value.where + ": " + path + ": " + text;
  // A name with a line break in it must not break the line that complains about it.
  std::replace_if(
      whole.begin(), whole.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  throw Error(Code::config, whole);
}

std::span<const std::string> fixed_keys() {
  static const std::vector<std::string> paths = [] {
    std::vector<std::string> made;
    for (const Key& key : keys()) made.push_back(key.path);
    return made;
  }();
  return paths;
}

void apply(Config& config, const ConfigValue& root) {
  for (const auto& [name, value] : root.table) {
    if (std::find(kSections.begin(), kSections.end(), name) != kSections.end()) {
      read_section(config, name, value);
    } else if (is_section(name)) {
      if (value.kind != Kind::table) refuse_type(value, name, "a table, [" + name + "]");
      for (const auto& [key, item] : value.table) read_fixed(config, name + "." + key, item);
    } else {
      read_fixed(config, name, value);
    }
  }
}

void apply_path(Config& config, const std::string& path, const ConfigValue& value) {
  const std::size_t first = path.find('.');
  const std::size_t last = path.rfind('.');
  const std::string section = path.substr(0, first);
  if (std::find(kSections.begin(), kSections.end(), section) == kSections.end())
    return read_fixed(config, path, value);
  if (first == std::string::npos || first == last)
    refuse(value, path,
           "wants three parts, such as " + section + ".main." +
               (section == "queues" ? "weight" : "plugin"));
  const std::string name = path.substr(first + 1, last - first - 1);
  ConfigValue text;
  text.text = name;
  text.where = value.where;
  if (section == "queues")
    queue_of(text, path);
  else
    check_name(text, path, name);
  read_open(config, section, name, path.substr(last + 1), value);
}

Config Config::parse(std::string_view text, const std::string& name,
                     const Environment& environment) {
  ConfigValue root = parse_toml(text, name);
  expand(root, "", environment);
  Config config;
  gander::apply(config, root);
  return config;
}

Config Config::load(const std::string& path, const Environment& environment) {
  const FileText read = read_whole(path);
  if (!read.failure.empty())
    throw Error(Code::config, "cannot read the configuration file '" + path + "': " + read.failure +
                                  "; give a file that exists and that this user may read");
  return parse(read.text, path, environment);
}

}  // namespace gander
